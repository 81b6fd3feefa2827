"""The STAC API: stac-fastapi's routes below an application, and what it says of itself."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter, FastAPI
from pydantic_settings import SettingsConfigDict
from stac_fastapi.api.app import StacApi
from stac_fastapi.api.models import (
    ItemCollectionUri,
    create_get_request_model,
    create_post_request_model,
    create_request_model,
)
from stac_fastapi.extensions.filter.filter import FilterConformanceClasses, FilterExtension
from stac_fastapi.extensions.pagination.token_pagination import TokenPaginationExtension
from stac_fastapi.types.config import ApiSettings
from stac_fastapi.types.search import APIRequest
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from sarlra import __version__
from sarlra.serving.live import Live
from sarlra.serving.stac_client import Queryables, ResultsClient

PREFIX = "/stac"
#: What of the filter extension is true here.
FILTER_CLASSES: list[str] = [
    FilterConformanceClasses.FILTER,
    FilterConformanceClasses.SEARCH,
    FilterConformanceClasses.ITEMS,
    FilterConformanceClasses.BASIC_CQL2,
    FilterConformanceClasses.CQL2_JSON,
    FilterConformanceClasses.ADVANCED_COMPARISON_OPERATORS,
]


class _Settings(ApiSettings):
    # What lies in a file ``.env`` of the current folder is not this server's.
    model_config = SettingsConfigDict(env_file=None, extra="ignore")


def add_stac_api(app: FastAPI, live: Live) -> None:
    """Add the routes below ``/stac`` to an application."""
    paging = TokenPaginationExtension()
    filters = FilterExtension(client=Queryables(live=live))
    filters.conformance_classes = FILTER_CLASSES
    extensions = [paging, filters]
    settings = _Settings(
        stac_fastapi_title="Possible landslides after earthquakes, from Sentinel-1 radar",
        stac_fastapi_description=(
            "Results of sarlra: one collection per event, one item per tile and track."
        ),
        stac_fastapi_landing_id="sarlra",
        stac_fastapi_version=__version__,
        openapi_url=f"{PREFIX}/api",
    )
    StacApi(
        stac_version="1.1.0",
        settings=settings,
        app=app,
        router=APIRouter(prefix=PREFIX),
        client=ResultsClient(
            live=live,
            stac_version="1.1.0",
            title=settings.stac_fastapi_title,
            description=settings.stac_fastapi_description,
            landing_page_id=settings.stac_fastapi_landing_id,
        ),
        extensions=extensions,
        search_get_request_model=create_get_request_model(extensions),
        search_post_request_model=create_post_request_model(extensions),
        items_get_request_model=cast(
            "type[APIRequest]",
            create_request_model(
                "ItemCollectionUri", ItemCollectionUri, extensions, request_type="GET"
            ),
        ),
        middlewares=[
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["GET", "HEAD", "POST", "OPTIONS"],
                allow_headers=["Content-Type", "Range", "If-Range", "If-None-Match"],
                expose_headers=["Content-Range", "Accept-Ranges", "Content-Length", "ETag"],
                max_age=600,
            )
        ],
    )
