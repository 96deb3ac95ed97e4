using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Gateway.Drills;
using Gateway.Listening;
using Gateway.Onboarding.Store;
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
        var place = Place(settings);
        var homeserver = settings.Section<HomeserverOptions>("Homeserver");
        DrillReport report;
        try
        {
            // First what only root can have: a drill that cannot be played makes nothing, and says nothing about phones.
            using var space = await OwnNamespace.MakeAsync();
            using var alone = TakeLock(settings.DataDirectory);
            using var client = context.Connect(parsed);
            using var direct = new HttpClient(HomeserverConnection.Handler(homeserver)) { BaseAddress = new Uri(homeserver.Origin + "/") };
            if ((await client.StatusAsync(cancellationToken)).View.Lock.Locked)
            {
                throw CommandException.Refused("everyone is locked out, also the drill's phone", "gateway unlock, and play it then");
            }

            report = await new DrillPlay(client, place, space, direct, context.Time, step => Print(context.Terminal, step, json)).PlayAsync(cancellationToken);
        }
        catch (DrillException e)
        {
            throw new CommandException(CommandLine.Failed, e.Message, e.Hint, e);
        }

        return Close(context.Terminal, settings.DataDirectory, report, json);
    }

    private static int Close(Terminal terminal, string dataDirectory, DrillReport report, bool json)
    {
        if (json)
        {
            terminal.Verbatim(JsonSerializer.Serialize(report, DrillJson.Default.DrillReport));
        }

        if (report.Played)
        {
            Note(terminal, report, dataDirectory);
        }

        if (!report.Ok)
        {
            throw report.Played
                ? CommandException.Refused(
                    $"a lost phone would not lose everything: {Failure(report)}", "gateway doctor and the gateway's log say more; until it is mended, gateway lock shuts everyone out")
                : CommandException.Refused($"the drill could not be played, and nothing is known about a lost phone: {Failure(report)}", "gateway doctor and the gateway's log say more");
        }

        if (!json)
        {
            terminal.Line();
            terminal.Line("A lost phone loses everything. The test device is gone.");
        }

        return CommandLine.Done;
    }

    private static void Print(Terminal terminal, DrillStep step, bool json)
    {
        if (!json)
        {
            terminal.Line($"  {(step.Ok ? "ok" : "FAILED"),-6}  {step.Name,-12}  {Terminal.Span(TimeSpan.FromMilliseconds(step.Milliseconds)),6}  {step.Detail}");
        }
    }

    /// <summary>Where it cannot be written, what the command says has to do.</summary>
    private static void Note(Terminal terminal, DrillReport report, string dataDirectory)
    {
        try
        {
            (report.Ok ? new LastDrill(report.At) : (LastDrill.Read(dataDirectory) ?? new(null)) with { FailedAt = report.At, Failure = Failure(report) }).Write(dataDirectory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            terminal.Warning($"how it went could not be noted for the doctor: {e.Message}");
        }
    }

    private static string Failure(DrillReport report) => string.Join("; ", report.Steps.Where(step => !step.Ok).Select(step => $"{step.Name}: {step.Detail}"));

    private static DrillPlace Place(LocalSettings settings)
    {
        var tunnel = settings.Section<TunnelOptions>("Tunnel");
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(settings.CertificatePath ?? ""));
            return new(settings.ServerName, settings.Section<ListenOptions>("Listen").HttpsPort, tunnel.Interface, tunnel.ListenPort, tunnel.UserspaceMode, certificate.RawData);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or CryptographicException)
        {
            throw new CommandException(CommandLine.Failed, $"Certificate:Path '{settings.CertificatePath}' cannot be read: {e.Message}", "sudo gateway drill; is it the gateway's configuration? --config FILE", e);
        }
    }

    /// <summary>Two at once would end each other's device.</summary>
    private static FileStream TakeLock(string dataDirectory)
    {
        try
        {
            return LeftFile.Hold(dataDirectory, "drill.lock");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(CommandLine.Failed, $"{dataDirectory} cannot be locked for a drill: {e.Message}", "another one may be running; or you are not root: sudo gateway drill", e);
        }
    }
}
