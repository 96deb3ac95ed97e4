using Gateway.Onboarding;

namespace Gateway.Admin.Pages;

/// <summary>How a form of the console ends.</summary>
internal static class PageAnswers
{
    public static Task NotThereAsync(this ConsolePages pages, HttpContext context) =>
        pages.SayAsync(context, StatusCodes.Status404NotFound, ConsoleTexts.NotFoundTitle, ConsoleTexts.NotFound);

    /// <summary>Led on where it was done; else why not: <paramref name="sentence"/> in the reader's language, and the gateway's own words below.</summary>
    public static Task DoneAsync(this ConsolePages pages, HttpContext context, Refusal? refusal, string path, string sentence)
    {
        if (refusal is not null)
        {
            return pages.RefuseAsync(context, sentence, refusal.What, path, refusal.Kind);
        }

        context.SeeOther(path);
        return Task.CompletedTask;
    }

    public static Task RefuseAsync(this ConsolePages pages, HttpContext context, string sentence, string? detail, string back, RefusalKind kind = RefusalKind.Conflict) =>
        pages.SendAsync<RefusedPage>(context, Status(kind), new RefusedPage.View(pages.FrameOf(context).Text(sentence), detail, back));

    private static int Status(RefusalKind kind) => kind switch
    {
        RefusalKind.Invalid => StatusCodes.Status400BadRequest,
        RefusalKind.NotFound => StatusCodes.Status404NotFound,
        RefusalKind.Conflict => StatusCodes.Status409Conflict,
        _ => StatusCodes.Status503ServiceUnavailable,
    };
}
