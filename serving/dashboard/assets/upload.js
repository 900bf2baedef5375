// dcc.Upload draws its file input without a name; screen readers need one, and it is what the keyboard reaches.
(function () {
    "use strict";
    const name = () => {
        document.querySelectorAll("#classify-upload input[type=file]:not([aria-label])").forEach((input) => {
            input.setAttribute("aria-label", "File of sales to label: CSV, CSV.gz, XLSX or Parquet");
        });
    };
    new MutationObserver(name).observe(document.documentElement, {childList: true, subtree: true});
})();
