using Gateway.Admin;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Revocation;
using Gateway.Onboarding.Store;

namespace Gateway.Commands;

/// <summary>
/// <c>gateway revoke</c> while the gateway does not answer: the revocation is left in its data directory, synced, and applied
/// before it serves anything again. What it names is looked up in the store as it lies there: a slip of the pen in an
/// emergency must not pass for a revocation.
/// </summary>
internal static class OfflineRevocation
{
    public static int Leave(CommandContext context, LocalSettings settings, RevocationRequest request, bool json, CommandException unanswered)
    {
        var terminal = context.Terminal;
        try
        {
            var (devices, isChecked) = Look(settings.DataDirectory, request);
            var at = context.Time.GetUtcNow();
            var word = isChecked && request.Device is not null ? devices[0].Id.ToString() : request.Device;
            RevocationSpool.Leave(settings.DataDirectory, new SpooledRevocation(word, request.Member, request.Cut, request.Erase, at));

            terminal.Warning($"{unanswered.Message}, and nobody reaches the homeserver while it does not run");
            Action<string> say = json ? terminal.Aside : terminal.Line;
            say(request.Member is { } member
                ? $"{member} will have left, with {Terminal.Count(devices.Count, "device")}, before the gateway serves anybody again."
                : $"{string.Join(", ", devices.Select(device => $"{device.Label} ({device.Id})").DefaultIfEmpty(request.Device!))} will be revoked before the gateway serves anybody again.");
            if (!isChecked)
            {
                terminal.Warning("the store could not be read, so nobody has checked that there is such a device: look once the gateway runs");
            }

            say($"Now: {unanswered.Hint}. Then: gateway devices");
            if (json)
            {
                // The gateway has revoked none of them yet.
                terminal.Verbatim("[]");
            }

            return CommandLine.Done;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(
                unanswered.ExitCode, $"{unanswered.Message}; and the revocation could not be left for it: {e.Message}", "use sudo; or start the gateway and revoke again", e);
        }
    }

    private static (IReadOnlyList<Device> Devices, bool IsChecked) Look(string directory, RevocationRequest request)
    {
        if (!Directory.Exists(directory))
        {
            throw new DirectoryNotFoundException($"there is no {directory}");
        }

        State state;
        try
        {
            state = DataDirectory.Peek(directory);
        }
        catch (StoreException)
        {
            return ([], false);
        }

        if (request.Member is { } member)
        {
            return Localpart.TryParse(member, null, out var localpart) && state.Members.ContainsKey(localpart)
                ? ([.. state.DevicesOf(localpart).Where(device => device.IsLive)], true)
                : throw CommandException.Refused($"there is no member '{member}'", "the gateway does not run; it names its members once it does");
        }

        return state.Find(request.Device!) switch
        {
            [] => throw CommandException.Refused($"there is no device '{request.Device}'", "its ID, its tunnel address, or localpart/name"),
            [var device] => ([device], true),
            [{ IsLive: false } device, ..] => ([device], true),
            var many => throw CommandException.Refused($"'{request.Device}' names {many.Count} devices", $"use the ID: {string.Join(", ", many.Select(device => device.Id))}"),
        };
    }
}
