// Cells of the lists: numbers as people read them, links that keep the filters.
(function () {
    "use strict";
    const MISSING = "–";
    // a row that is still on its way has no values yet: its cells stay empty, for a dash says that there is none
    const write = (value, text) => {
        if (value === undefined) return "";
        return value === null || value === "" ? MISSING : text(value);
    };
    // the exact value, halves to even, and no sign on what rounds to nothing: as warehouse/wording.py does it, so
    // that a figure reads one way; as a text, because a number would be rounded by its shortest form
    const rounding = (digits, least = digits) =>
        new Intl.NumberFormat("en-GB", {
            minimumFractionDigits: least,
            maximumFractionDigits: digits,
            roundingMode: "halfEven",
        });
    const roundings = [0, 1, 2].map(rounding);
    const fixed = (value, digits) => roundings[digits].format(Math.abs(value).toFixed(40));
    // weighed goods are sold by the thousandth; what is sold whole has no zeros behind it
    const thousandths = rounding(3, 0);
    const quantity = (value) => thousandths.format(Math.abs(value).toFixed(40));
    const sign = (value, digits) => (value < 0 && /[1-9]/.test(fixed(value, digits)) ? "−" : "");
    const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const day = (text) => `${Number(text.slice(8, 10))} ${months[Number(text.slice(5, 7)) - 1]} ${text.slice(0, 4)}`;

    const formats = {
        count: (value) => write(value, () => sign(value, 0) + fixed(value, 0)),
        units: (value) => write(value, () => (value < 0 && /[1-9]/.test(quantity(value)) ? "−" : "") + quantity(value)),
        number: (value) => write(value, () => sign(value, 2) + fixed(value, 2)),
        money: (value, symbol, digits) => write(value, () => sign(value, digits) + symbol + fixed(value, digits)),
        percent: (value) => write(value, () => `${sign(value, 1)}${fixed(value, 1)}%`),
        date: (value) => write(value, day),
        moment: (value) => write(value, () => `${day(value)}, ${value.slice(11, 16)}`),
        flag: (value) => write(value, () => (value === true || value === "true" ? "yes" : "no")),
    };
    window.dashAgGridFunctions = window.dashAgGridFunctions || {};
    window.dashAgGridFunctions.regularsFormat = formats;

    // as dcc.Link does it: a new page without loading everything again
    const follow = (event, href) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
        event.preventDefault();
        window.history.pushState({}, "", href);
        window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
        window.scrollTo(0, 0);
    };
    window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {};
    window.dashAgGridComponentFunctions.CustomerLink = (props) =>
        write(props.value, () => {
            const href = `/customers/${encodeURIComponent(props.value)}${window.location.search}`;
            return window.React.createElement("a", {href, onClick: (event) => follow(event, href)}, props.value);
        });
    // a segment's name beside the colour of its kind: "At Risk 2" is of the kind "At Risk"
    window.dashAgGridComponentFunctions.SegmentCell = (props) =>
        write(props.value, () => {
            const kinds = Object.keys(props.colours).filter((kind) => `${props.value} `.startsWith(`${kind} `));
            const kind = kinds.sort((one, other) => other.length - one.length)[0];
            const create = window.React.createElement;
            const swatch = {className: "swatch", style: {background: props.colours[kind]}, "aria-hidden": "true"};
            return create("span", {className: "segment"}, kind ? create("span", swatch) : null, props.value);
        });
})();
