// Looks again each minute while somebody looks at the page, and never under the hands of who is using it.
setInterval(async () => {
    const shown = document.querySelector("main");
    if (document.hidden || shown.contains(document.activeElement)) return;
    const answer = await fetch("/", { headers: { Accept: "text/html" } });
    // to the way in, once the token is asked for again
    if (answer.redirected) return location.reload();
    if (!answer.ok) return;
    const found = new DOMParser().parseFromString(await answer.text(), "text/html");
    shown.replaceWith(found.querySelector("main"));
    document.title = found.title;
}, 60_000);
