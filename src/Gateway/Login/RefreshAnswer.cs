namespace Gateway.Login;

/// <summary>
/// The answer to a wish for fresh tokens. The gateway issues no refresh tokens, so whoever asks has one that is not ours;
/// and clients take every refusal in Matrix's or OAuth's own form for the end of their session, and erase
/// (matrix-js-sdk, matrix-dart-sdk, matrix-rust-sdk). So it is the one answer that has no such form: not now.
/// </summary>
internal static class RefreshAnswer
{
    public static async Task SendAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.RetryAfter = "3600";
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.WriteAsync("This server issues no refresh tokens\n", context.RequestAborted);
    }
}
