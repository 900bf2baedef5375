// Starts Swagger UI on /docs. A file of its own, because the page may not run scripts that stand in it.
window.ui = SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    // asks another host for a badge if there is a URL
    validatorUrl: null,
    syntaxHighlight: { activated: false },
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
});
