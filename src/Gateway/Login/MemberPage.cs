using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;

namespace Gateway.Login;

/// <summary>
/// Sends a member's page: small, in the phone's language, without a script, and nothing loaded from anywhere. The one
/// style sheet stands in the page and is named in the policy by its hash.
/// </summary>
internal sealed class MemberPage(IServiceProvider services, ILoggerFactory loggers)
{
    public static readonly string Style = ReadStyle();

    private static readonly string Policy =
        $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    /// <summary><paramref name="view"/> is the component's parameter <c>Page</c>.</summary>
    public async Task SendAsync<TPage>(HttpContext context, int status, object view)
        where TPage : IComponent
    {
        var parameters = new Dictionary<string, object?>(StringComparer.Ordinal) { ["Page"] = view, ["Culture"] = LoginTexts.CultureOf(context.Request) };
        await using var renderer = new HtmlRenderer(services, loggers);
        var html = await renderer.Dispatcher.InvokeAsync(async () =>
            (await renderer.RenderComponentAsync<TPage>(ParameterView.FromDictionary(parameters))).ToHtmlString());
        var body = Encoding.UTF8.GetBytes("<!doctype html>\n" + html);
        Protect(context.Response.Headers);
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    /// <summary>For redirects as well: they carry one-time tokens.</summary>
    public static void Protect(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = Policy;
        headers.XFrameOptions = "DENY";
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.Vary = "Accept-Language";
    }

    private static string ReadStyle()
    {
        using var stream = typeof(MemberPage).Assembly.GetManifestResourceStream("Gateway.Login.member.css")!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd().ReplaceLineEndings("\n").Trim();
    }
}
