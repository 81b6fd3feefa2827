import { defineConfig } from "vite";

// The page lies beside the Python module that serves it: index.html at the root, its parts in map/.
// Every address is relative: a proxy may put all of it under a path of its own.
export default defineConfig({
  base: "./",
  plugins: [
    {
      name: "parts-in-map",
      transformIndexHtml: {
        order: "post",
        handler: (html) => html.replaceAll('"./index-', '"map/index-'),
      },
    },
  ],
  build: {
    outDir: "../sarlra/serving/map",
    emptyOutDir: true,
    assetsDir: "",
    target: "es2022",
    modulePreload: false,
    chunkSizeWarningLimit: 2000,
  },
});
