using System.CommandLine;
using System.Text;
using Gateway.Admin;
using Gateway.Onboarding.QrCodes;

namespace Gateway.Commands;

/// <summary>
/// <c>gateway enrol</c>: the one command that prints private key material, once. Whatever can be wrong with where it is
/// to go is found out before the gateway is asked, so that no device exists whose QR nobody has.
/// </summary>
internal static class EnrolCommand
{
    private static readonly string[] Formats = ["ansi", "svg", "png", "conf"];

    public static Command Build(CommandContext context)
    {
        var member = new Argument<string>("localpart") { Description = "The member, as in @localpart:server; the account is made if it is new" };
        var device = new Option<string?>("--device") { HelpName = "NAME", Description = "The device's name [default: phone, phone-2, …]" };
        var displayName = new Option<string?>("--display-name") { HelpName = "NAME", Description = "What others read beside a new member's messages" };
        var os = new Option<string?>("--os") { Description = "On android only Element and the browser see the tunnel" };
        os.AcceptOnlyFromAmong("android", "ios", "desktop");
        var format = new Option<string?>("--format") { Description = "[default: FILE's ending; else ansi on a terminal, conf in a pipe]" };
        format.AcceptOnlyFromAmong(Formats);
        var output = new Option<string?>("--output") { HelpName = "FILE", Description = "Write to a new file that only you can read" };
        var adopt = new Option<bool>("--adopt") { Description = "Take over an account that the gateway did not make" };
        var json = CommandContext.JsonOption();
        var command = new Command("enrol", "Make keys and an address for a device and show its QR, once")
        {
            member, device, displayName, os, format, output, adopt, json,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            var request = new EnrolmentRequest(
                parsed.GetRequiredValue(member),
                parsed.GetValue(device),
                parsed.GetValue(displayName),
                parsed.GetValue(os),
                parsed.GetValue(adopt));
            var target = EnrolTarget.Of(parsed.GetValue(format), parsed.GetValue(output), parsed.GetValue(json), context.Terminal.Interactive);
            return RunAsync(context, context.Settings(parsed), request, target, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        CommandContext context, LocalSettings settings, EnrolmentRequest request, EnrolTarget target, CancellationToken cancellationToken)
    {
        using var client = context.Connect(settings);
        using var file = target.File is { } path ? NewFile.Create(path) : null;
        var reply = await client.EnrolAsync(request, cancellationToken);
        var enrolment = reply.View;
        try
        {
            file?.Write(Render(target.Format, enrolment.Config));
            Print(context.Terminal, reply, target, settings.GrantMinutes);
        }
        catch (Exception fault) when (fault is IOException or ArgumentException)
        {
            throw new CommandException(
                CommandLine.Failed,
                $"{Name(enrolment.Device)} is enrolled, but its QR could not be written: {fault.Message}",
                $"gateway revoke {enrolment.Device.Id} --cut, then enrol again",
                fault);
        }

        return target.Waits
            ? await new EnrolmentProgress(client, context.Terminal, context.Time, settings.GrantMinutes).WaitAsync(enrolment, cancellationToken)
            : CommandLine.Done;
    }

    private static void Print(Terminal terminal, Reply<EnrolmentView> reply, EnrolTarget target, double grantMinutes)
    {
        if (target.Json)
        {
            terminal.Verbatim(reply.Json);
            return;
        }

        // Piped, standard output is the configuration and nothing else.
        var inPipe = target.File is null && !terminal.Interactive;
        Action<string> say = inPipe ? terminal.Aside : terminal.Line;
        Explain(reply.View, say, grantMinutes);
        if (target.File is { } file)
        {
            say($"Written to {file}: it holds the device's private key, so delete it after use.");
            return;
        }

        if (!inPipe)
        {
            terminal.Line("What follows is the device's private key: shown once, stored nowhere.");
            terminal.Line();
        }

        if (target.Format == "ansi" && terminal.Size is { } size && QrCode.Of(reply.View.Config).AnsiSize is var qr && (qr.Columns > size.Columns || qr.Lines > size.Lines))
        {
            terminal.Warning($"the QR needs {qr.Columns} columns and {qr.Lines} lines, and this terminal has {size.Columns} and {size.Lines}: enlarge it, or zoom out");
        }

        terminal.Verbatim(Encoding.UTF8.GetString(Render(target.Format, reply.View.Config)));
    }

    private static void Explain(EnrolmentView enrolment, Action<string> say, double grantMinutes)
    {
        var device = enrolment.Device;
        say($"{Name(device)} is enrolled.");
        say("");
        say($"  member      {device.Member}");
        say($"  device      {device.Name} ({device.Id})");
        say($"  address     {device.TunnelAddress}");
        say($"  login code  {enrolment.LoginCode}");
        say($"              signs in once, from this device alone, within {grantMinutes} minutes of its first connection");
        say($"  Element     {enrolment.ElementLink}");
        say("");
        say("What to do now, on the device:");
        say("  1. WireGuard app: add a tunnel, scan the QR, switch the tunnel on.");
        say("  2. Scan the second QR that then appears here, or open the link above: Element opens with the right server.");
        say("  3. Tap Continue and \"Sign in\". A number appears there and here: compare, and approve.");
        say($"     Or sign in as {device.Member}, with the login code as the password.");
        say("");
    }

    private static byte[] Render(string format, string config) => format switch
    {
        "conf" => Encoding.UTF8.GetBytes(config),
        "svg" => Encoding.UTF8.GetBytes(QrCode.Of(config).ToSvg()),
        "png" => QrCode.Of(config).ToPng(),
        _ => Encoding.UTF8.GetBytes(QrCode.Of(config).ToAnsi()),
    };

    private static string Name(DeviceView device) => $"{device.Member}/{device.Name}";
}

/// <summary>Where an enrolment goes and in what form. <see cref="Waits"/>: a person is looking, and wants to see the device arrive.</summary>
internal sealed record EnrolTarget(string Format, string? File, bool Json, bool Waits)
{
    public static EnrolTarget Of(string? format, string? file, bool json, bool interactive)
    {
        if (file is null && json && format is not null)
        {
            throw CommandException.Usage("--json prints the configuration as text: --format has no say in it", "add --output FILE, or leave --format out");
        }

        // A redirection would make a file that everybody can read.
        if (file is null && format == "png")
        {
            throw CommandException.Usage("a PNG is not for a terminal or a pipe", "add --output FILE; only you will be able to read it");
        }

        format ??= file is null ? interactive ? "ansi" : "conf" : Path.GetExtension(file) switch
        {
            ".svg" => "svg",
            ".png" => "png",
            ".conf" => "conf",
            _ => throw CommandException.Usage($"'{file}' does not say its format", "end it in .conf, .png or .svg, or add --format"),
        };
        return new(format, file, json, interactive && file is null && !json);
    }
}
