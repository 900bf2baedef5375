// Writes ../assets/plotly.min.js: `npm ci && npm run build` here, after a new version of Dash
// brought a new Plotly. Options are those of Plotly's own build.
const { readFile } = require("node:fs/promises");
const esbuild = require("esbuild");
const { environmentPlugin } = require("esbuild-plugin-environment");
const { glsl } = require("esbuild-plugin-glsl");

// Every property is documented in the source; nothing reads that in a browser.
const withoutDescriptions = {
    name: "without-descriptions",
    setup(build) {
        build.onLoad({ filter: /attributes\.js$|plot_config\.js$/ }, async ({ path }) => {
            const source = await readFile(path, "utf8");
            const described = /\bdescription:\s*(\[[^\]]*\]\.join\((?:' '|" "|'\\n'|'')\)|(?:'(?:[^'\\\n]|\\.)*'\s*\+?\s*)+)\s*(,|(?=\n?\s*\}))/g;
            return { contents: source.replace(described, ""), loader: "js" };
        });
    },
};

esbuild.build({
    entryPoints: ["entry.js"],
    outfile: "../assets/plotly.min.js",
    bundle: true,
    minify: true,
    format: "iife",
    globalName: "Plotly",
    target: "es2016",
    legalComments: "eof",
    loader: { ".css": "empty" },
    plugins: [withoutDescriptions, glsl({ minify: true }), environmentPlugin({ NODE_DEBUG: false })],
    alias: { regl: "@plotly/regl", stream: "stream-browserify" },
    define: { global: "window", "define.amd": "false" },
});
