using System.CommandLine;
using System.Text.Json;
using Gateway.Drills;
using Gateway.Listening;
using Gateway.Proxy;
using Gateway.Tunnel;

namespace Gateway.Commands;

/// <summary>
/// <c>gateway drill</c>: a lost phone, played with a device of nobody's against the running system, each step told. It fails where a
/// step did not go as it should.
/// </summary>
internal static class DrillCommand
{
    public static Command Build(CommandContext context)
    {
        var json = CommandContext.JsonOption();
        var command = new Command("drill", "Play a lost phone with a test device, from enrolment to revocation") { json };
        command.SetAction((parsed, cancellationToken) => RunAsync(context, context.Settings(parsed), parsed, parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(CommandContext context, LocalSettings settings, ParseResult parsed, bool json, CancellationToken cancellationToken)
    {
        using var alone = TakeLock(settings.DataDirectory);
        using var client = context.Connect(parsed);
        if ((await client.StatusAsync(cancellationToken)).View.Lock.Locked)
        {
            throw CommandException.Refused("everyone is locked out, also the drill's phone", "gateway unlock, and play it then");
        }

        var play = new DrillPlay(client, Place(settings), settings.Section<HomeserverOptions>("Homeserver"), context.Time, step =>
        {
            if (!json)
            {
                Print(context.Terminal, step);
            }
        });
        DrillReport report;
        try
        {
            report = await play.PlayAsync(cancellationToken);
        }
        catch (TunnelException e)
        {
            throw new CommandException(CommandLine.Failed, e.Message, "as root: sudo gateway drill", e);
        }

        Note(report, settings.DataDirectory);
        if (json)
        {
            context.Terminal.Verbatim(JsonSerializer.Serialize(report, DrillJson.Default.DrillReport));
        }

        if (report.Ok)
        {
            Close(context.Terminal, json, "A lost phone loses everything. The test device is gone.");
            return CommandLine.Done;
        }

        throw CommandException.Refused(
            $"a lost phone would not lose everything: {Failure(report)}", "gateway doctor and the gateway's log say more; until it is mended, gateway lock shuts everyone out");
    }

    private static void Print(Terminal terminal, DrillStep step) =>
        terminal.Line($"  {(step.Ok ? "ok" : "FAILED"),-6}  {step.Name,-12}  {Terminal.Span(TimeSpan.FromMilliseconds(step.Milliseconds)),6}  {step.Detail}");

    private static void Close(Terminal terminal, bool json, string text)
    {
        if (!json)
        {
            terminal.Line();
            terminal.Line(text);
        }
    }

    private static void Note(DrillReport report, string dataDirectory) =>
        (report.Ok ? new LastDrill(report.At) : (LastDrill.Read(dataDirectory) ?? new(null)) with { FailedAt = report.At, Failure = Failure(report) }).Write(dataDirectory);

    private static string Failure(DrillReport report) => string.Join("; ", report.Steps.Where(step => !step.Ok).Select(step => $"{step.Name}: {step.Detail}"));

    private static DrillPlace Place(LocalSettings settings) => new(
        settings.ServerName,
        settings.Section<ListenOptions>("Listen").HttpsPort,
        settings.Section<TunnelOptions>("Tunnel").ListenPort,
        settings.Section<TunnelOptions>("Tunnel").UserspaceMode,
        settings.CertificatePath ?? "");

    /// <summary>Two at once would end each other's device. Only root gets this far: the phone needs a network of its own.</summary>
    private static FileStream TakeLock(string dataDirectory)
    {
        try
        {
            return new FileStream(Path.Combine(dataDirectory, "drill.lock"), new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(CommandLine.Failed, $"{dataDirectory} cannot be locked for a drill: {e.Message}", "another one may be running; or you are not root: sudo gateway drill", e);
        }
    }
}
