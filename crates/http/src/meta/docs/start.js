SwaggerUIBundle({ url: "{prefix}/api/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });
