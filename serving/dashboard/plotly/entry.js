// The charts that the pages draw, and no others: all of Plotly is three times as large.
// A kind of mark that is missing here is named by tests/serving/test_first_visit.py.
const Plotly = require("plotly.js/lib/core");

Plotly.register([
    require("plotly.js/lib/bar"),
    require("plotly.js/lib/box"),
    require("plotly.js/lib/choropleth"),
    require("plotly.js/lib/heatmap"),
    require("plotly.js/lib/treemap"),
    require("plotly.js/lib/waterfall"),
]);

module.exports = Plotly;
