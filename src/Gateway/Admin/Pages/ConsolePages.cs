using System.Text;
using Gateway.Admin.Access;
using Gateway.Login;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;

namespace Gateway.Admin.Pages;

/// <summary>Renders the console's pages, and parts of them, in the browser's language. Headers are the door's (<see cref="ConsoleDoor"/>).</summary>
internal sealed class ConsolePages(IServiceProvider services, ILoggerFactory loggers, GatewayOptions gateway, TimeProvider time)
{
    /// <summary><paramref name="view"/> is the component's parameter <c>Page</c>, where it has one.</summary>
    public async Task SendAsync<TPage>(HttpContext context, int status = StatusCodes.Status200OK, object? view = null)
        where TPage : IComponent
    {
        var body = Encoding.UTF8.GetBytes("<!doctype html>\n" + await RenderAsync<TPage>(FrameOf(context), view));
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    /// <summary>A page that says one thing and leads back to the start.</summary>
    public Task SayAsync(HttpContext context, int status, string title, string explanation) =>
        SendAsync<SayPage>(context, status, new SayPage.View { Title = title, Explanation = explanation });

    /// <summary>A component as text: a page, or the part of one that changed.</summary>
    public async Task<string> RenderAsync<TPart>(Layout.Frame frame, object? view)
        where TPart : IComponent
    {
        var parameters = new Dictionary<string, object?>(StringComparer.Ordinal) { ["Frame"] = frame };
        if (view is not null)
        {
            parameters["Page"] = view;
        }

        await using var renderer = new HtmlRenderer(services, loggers);
        return await renderer.Dispatcher.InvokeAsync(async () =>
            (await renderer.RenderComponentAsync<TPart>(ParameterView.FromDictionary(parameters))).ToHtmlString());
    }

    public Layout.Frame FrameOf(HttpContext context)
    {
        var session = context.Features.Get<ConsoleSession>();
        var culture = LoginTexts.CultureOf(context.Request);
        return new Layout.Frame
        {
            Culture = culture,
            ServerName = gateway.ServerName,
            FormToken = session?.FormToken,
            SignedInBy = session is null ? null : ConsoleTexts.Of(culture, session.By),
            SessionEnds = session?.Ends,
            Now = time.GetUtcNow(),
        };
    }
}

/// <summary>What stands in the console's style sheet and script, under names that change with them.</summary>
internal static class ConsoleAssets
{
    public static readonly Asset Style = Read("console.css", "text/css; charset=utf-8");
    public static readonly Asset Script = Read("console.js", "text/javascript; charset=utf-8");

    public static Task SendAsync(HttpContext context, Asset asset)
    {
        // Named by their content: they never change.
        context.Response.Headers.CacheControl = "private, max-age=31536000, immutable";
        context.Response.ContentType = asset.Type;
        context.Response.ContentLength = asset.Bytes.Length;
        return context.Response.Body.WriteAsync(asset.Bytes, context.RequestAborted).AsTask();
    }

    private static Asset Read(string name, string type)
    {
        using var stream = typeof(ConsoleAssets).Assembly.GetManifestResourceStream($"Gateway.Admin.Pages.{name}")!;
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        var bytes = memory.ToArray();
        var mark = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes))[..12];
        return new Asset($"/assets/{mark}/{name}", type, bytes);
    }

    internal sealed record Asset(string Path, string Type, byte[] Bytes);
}
