import { defineConfig } from "vite";

// The page lies beside the Python module that serves it: index.html at /, its parts at /map/.
export default defineConfig({
  base: "/map/",
  build: {
    outDir: "../sarlra/serving/map",
    emptyOutDir: true,
    assetsDir: "",
    target: "es2022",
    modulePreload: false,
    chunkSizeWarningLimit: 2000,
  },
});
