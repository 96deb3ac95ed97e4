using System.Globalization;
using System.Text;

namespace Gateway.Commands;

// Rules for everything the command line says:
//
//  - What was asked for goes to standard output. Warnings, errors, hints and questions go to standard error.
//  - A failure is one `error:` line that names the item, then a `hint:` line that says the way out.
//  - Sentences are short and plain, for an administrator in a hurry; lower case after the prefix, no full stop.
//  - Names from outside (an app's name for itself, a homeserver's message) are printed without control characters,
//    so that nobody repaints the administrator's screen.
//  - Times of the past are relative ("2 min ago"), times to come are the clock's, in the local time zone.
//  - Private key material is printed by `enrol` alone.

/// <summary>All that is printed to a person or a script, and the questions asked. The rules stand above.</summary>
internal sealed class Terminal(TextWriter output, TextWriter error, TextReader input, bool interactive, TimeProvider time)
{
    /// <summary>A person is there: both the keyboard and the screen are a terminal's.</summary>
    public bool Interactive => interactive;

    /// <summary>Columns and lines where they are known; what does not fit is warned about.</summary>
    public (int Columns, int Lines)? Size { get; init; }

    /// <summary>For the help texts, which are the parser's.</summary>
    public TextWriter Output => output;

    public static Terminal OfThisProcess(TimeProvider time)
    {
        // A code page of another age would turn the QR's half blocks into question marks.
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        var interactive = !Console.IsInputRedirected && !Console.IsOutputRedirected;
#pragma warning disable CA2000 // Open as long as the process. Console.In would switch the terminal's keypad over, and leave it so.
        return new(Console.Out, Console.Error, new StreamReader(Console.OpenStandardInput()), interactive, time)
#pragma warning restore CA2000
        {
            // Some terminals do not know their size and say 0.
            Size = interactive && Console.WindowWidth > 0 && Console.WindowHeight > 0 ? (Console.WindowWidth, Console.WindowHeight) : null,
        };
    }

    public void Line(string text = "") => output.WriteLine(Harmless(text));

    /// <summary>For texts of our own making that are meant byte for byte: JSON, a configuration, a QR.</summary>
    public void Verbatim(string text) => output.Write(text.EndsWith('\n') ? text : text + "\n");

    /// <summary>What a person should know while standard output is a script's.</summary>
    public void Aside(string text) => error.WriteLine(Harmless(text));

    public void Warning(string text) => error.WriteLine(Harmless($"warning: {text}"));

    public void Error(string text, string? hint)
    {
        error.WriteLine(Harmless($"error: {text}"));
        if (hint is { Length: > 0 })
        {
            error.WriteLine(Harmless($"hint: {hint}"));
        }
    }

    /// <summary>The answer, lower case, empty where there was none.</summary>
    public string Ask(string question)
    {
        error.Write(Harmless(question) + " ");
        return input.ReadLine()?.Trim().ToLowerInvariant() ?? "";
    }

    /// <summary>As <see cref="Ask"/>, for a wait that can be broken off. The read itself cannot: after a break nothing more is asked.</summary>
    public Task<string> AskAsync(string question, CancellationToken cancellationToken) =>
        Task.Run(() => Ask(question), CancellationToken.None).WaitAsync(cancellationToken);

    /// <summary>Columns as wide as their widest cell. <paramref name="under"/> gives further lines below a row.</summary>
    public void Table<T>(IReadOnlyList<string> head, IEnumerable<T> items, Func<T, string[]> cells, Func<T, IEnumerable<string>>? under = null)
    {
        var rows = items.Select(item => (Cells: cells(item).Select(Harmless).ToArray(), Under: under?.Invoke(item) ?? [])).ToList();
        var widths = head.Select((title, i) => rows.Select(row => row.Cells[i].Length).Append(title.Length).Max()).ToArray();
        output.WriteLine(Row([.. head]));
        foreach (var (rowCells, below) in rows)
        {
            output.WriteLine(Row(rowCells));
            foreach (var line in below)
            {
                Line("  " + line);
            }
        }

        string Row(string[] row) => string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd();
    }

    /// <summary>"now", "2 min ago", "3 days ago"; a dash for never.</summary>
    public string Ago(DateTimeOffset? then) =>
        then is not { } at ? "-"
        : time.GetUtcNow() - at is var span && span < TimeSpan.FromSeconds(5) ? "now"
        : $"{Span(span)} ago";

    /// <summary>The clock's time, with the day where it is another one.</summary>
    public string Clock(DateTimeOffset at)
    {
        var local = TimeZoneInfo.ConvertTime(at, time.LocalTimeZone);
        var sameDay = local.Date == TimeZoneInfo.ConvertTime(time.GetUtcNow(), time.LocalTimeZone).Date;
        return local.ToString(sameDay ? "HH:mm" : "yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
    }

    public string DayAndClock(DateTimeOffset at) =>
        TimeZoneInfo.ConvertTime(at, time.LocalTimeZone).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>One number and its unit, rounded down: as exact as a person reads it.</summary>
    public static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 1 } => $"{Math.Max(0, (int)span.TotalMilliseconds)} ms",
        { TotalMinutes: < 1 } => $"{(int)span.TotalSeconds} s",
        { TotalHours: < 1 } => $"{(int)span.TotalMinutes} min",
        { TotalDays: < 1 } => $"{(int)span.TotalHours} h",
        { TotalDays: < 2 } => "1 day",
        _ => $"{(int)span.TotalDays} days",
    };

    public static string Count(int number, string one, string? many = null) => number == 1 ? $"1 {one}" : $"{number} {many ?? one + "s"}";

    /// <summary>Neither escape sequences nor the invisible marks that turn a line's direction around.</summary>
    private static string Harmless(string text) =>
        string.Concat(text.Select(c => char.IsControl(c) || char.GetUnicodeCategory(c) == UnicodeCategory.Format ? '\uFFFD' : c));
}
