using Gateway.Onboarding.Store;

namespace Gateway.Admin;

/// <summary>What nobody foresaw on the admin's socket, as an answer that the command line can print: never a stack, never a secret.</summary>
internal sealed partial class AdminErrors(RequestDelegate next, ILogger<AdminErrors> log)
{
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (StoreException e)
        {
            Failed(e.Message);
            await TypedResults.Problem(title: e.Message, detail: e.Hint, statusCode: StatusCodes.Status503ServiceUnavailable).ExecuteAsync(context);
        }
        catch (BadHttpRequestException e)
        {
            await TypedResults.Problem(title: e.Message, detail: "see /v1/openapi.json", statusCode: e.StatusCode).ExecuteAsync(context);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A request of the admin failed: {Why}")]
    private partial void Failed(string why);
}
