using Gateway.Admin;
using Gateway.Onboarding.QrCodes;

namespace Gateway.Commands;

/// <summary>
/// Looks once a second how far a fresh device has come, and says so, until its member is signed in or can no longer be.
/// It only looks: ending it changes nothing.
/// </summary>
internal sealed class EnrolmentProgress(AdminClient client, Terminal terminal, TimeProvider time, double grantMinutes)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private bool _silent;

    public async Task<int> WaitAsync(EnrolmentView enrolment, CancellationToken cancellationToken)
    {
        terminal.Line();
        terminal.Line("Waiting for the device. Ctrl-C is safe: it ends the waiting, not the enrolment.");
        try
        {
            return await FollowAsync(enrolment, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            terminal.Line("No longer waiting; the enrolment stays as it is. See it with: gateway devices");
            return CommandLine.Done;
        }
    }

    private async Task<int> FollowAsync(EnrolmentView enrolment, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var name = $"{enrolment.Device.Member}/{enrolment.Device.Name}";
        DateTimeOffset? codeEnds = null;
        int? asked = null;
        for (var device = enrolment.Device; ; device = await LookAsync(device, cancellationToken))
        {
            switch (device?.State)
            {
                case null:
                    throw CommandException.Refused($"{name} did not connect in time and is gone", $"enrol it again: gateway enrol {enrolment.Device.Member}");
                case "quarantined" or "revoked":
                    throw CommandException.Refused($"{name} was revoked meanwhile");
                case "connected" or "signed-in" when codeEnds is null:
                    terminal.Line($"tunnel connected after {Terminal.Span(time.GetElapsedTime(start))}");

                    // The code's time starts with the connection; what the gateway said before that may be earlier.
                    codeEnds = Later(enrolment.LoginCodeExpiresAt, (device.LastHandshake ?? time.GetUtcNow()).AddMinutes(grantMinutes));
                    ShowLink(device, enrolment.ElementLink);
                    break;
                default:
                    break;
            }

            if (device.SignIn is { } signIn && signIn.Number != asked)
            {
                // The member's tap asks for the admin's word; they stand beside each other.
                asked = signIn.Number;
                await ApproveCommand.AskOrWarnAsync(client, terminal, device, cancellationToken);
                continue;
            }

            if (IsSignedIn(device, codeEnds))
            {
                return CommandLine.Done;
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    /// <summary>The second QR: for the phone's camera, and no secret.</summary>
    private void ShowLink(DeviceView device, string link)
    {
        if (device.State != "connected")
        {
            return;
        }

        terminal.Line($"Now Element: scan this with the phone's camera, or open {link}");
        terminal.Verbatim(QrCode.Of(link).ToAnsi());
    }

    private bool IsSignedIn(DeviceView device, DateTimeOffset? codeEnds)
    {
        if (device.State == "signed-in")
        {
            var app = device.Sessions.Count > 0 ? device.Sessions[^1].Client : null;
            terminal.Line($"signed in to {app ?? "Matrix"}");
            return true;
        }

        var name = $"{device.Member}/{device.Name}";
        return codeEnds <= time.GetUtcNow()
            ? throw CommandException.Refused($"the login code of {name} has expired unused", $"a fresh one: gateway allow-login {name}")
            : false;
    }

    /// <summary>The device as it is now; as it was, while the gateway does not answer; null where it is no more.</summary>
    private async Task<DeviceView?> LookAsync(DeviceView device, CancellationToken cancellationToken)
    {
        try
        {
            var found = (await client.DevicesAsync(member: null, device.Id, cancellationToken)).View;
            _silent = false;
            return found.SingleOrDefault();
        }
        catch (CommandException failure) when (failure.ExitCode == CommandLine.NoAnswer)
        {
            if (!_silent)
            {
                terminal.Warning($"{failure.Message}; still trying");
            }

            _silent = true;
            return device;
        }
        catch (CommandException refusal) when (refusal.ExitCode == CommandLine.Failed)
        {
            return null;
        }
    }

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;
}
