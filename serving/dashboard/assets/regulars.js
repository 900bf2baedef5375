// What only the browser knows: the theme that was chosen, the window's title.
(function () {
    "use strict";
    const KEY = "regulars-theme";
    const kept = () => {
        try {
            return window.localStorage.getItem(KEY);
        } catch (_) {
            return null; // storage is off: the choice lasts as long as the page
        }
    };
    const keep = (theme) => {
        try {
            window.localStorage.setItem(KEY, theme);
        } catch (_) {
            // as above
        }
    };
    const preferred = () => (window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

    window.dash_clientside = window.dash_clientside || {};
    window.dash_clientside.regulars = {
        theme: (clicks, current) => {
            let theme = current || kept() || preferred();
            if (clicks) {
                theme = theme === "dark" ? "light" : "dark";
                keep(theme);
            }
            return [theme, theme, theme === "dark" ? "Light" : "Dark"];
        },
        title: (title) => {
            if (title) document.title = title;
            // on a phone the menu is wider than the screen
            const current = document.querySelector(".menu-current");
            if (current) current.parentElement.scrollLeft = current.offsetLeft - 24;
            return title || "";
        },
    };

    // on a phone the filters start folded away
    if (window.matchMedia("(max-width: 700px)").matches) {
        const fold = new MutationObserver(() => {
            const details = document.getElementById("filter-details");
            if (details) {
                details.removeAttribute("open");
                fold.disconnect();
            }
        });
        fold.observe(document.documentElement, {childList: true, subtree: true});
    }
})();
