using System.Text.Json;
using Gateway.EndToEnd.Lab;

namespace Gateway.EndToEnd.Crash;

/// <summary>The one hand that locks and unlocks, so that what must hold after a restart is what it was answered last.</summary>
internal sealed class Warden(GatewayHost gateway, Dice dice, Tally tally)
{
    /// <summary>Null while nobody can know: it was asked, and not answered yet.</summary>
    private volatile object? locked = false;

    /// <summary>Whether everybody was certainly let in for as long as the caller asks twice with the same <see cref="Turns"/>.</summary>
    public bool IsCertainlyOpen => locked is false;

    public int Turns { get; private set; }

    public async Task<bool> ActAsync()
    {
        // Shut more shortly than open: while it is shut nobody signs in.
        await Task.Delay(locked is true ? dice.Milliseconds(0, 20) : dice.Milliseconds(0, 150));
        var shut = locked is not true;
        Turns++;
        locked = null;
        try
        {
            await gateway.TellAsync(shut ? HttpMethod.Put : HttpMethod.Delete, "v1/lock");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException)
        {
            return false;
        }

        locked = shut;
        tally.Answered(shut ? "lock" : "unlock");
        return true;
    }

    public IReadOnlyList<string> Settle(Snapshot now)
    {
        IReadOnlyList<string> faults = locked is bool known && known != now.Locked ? [$"the gateway was {(known ? "locked" : "unlocked")} and is not any more"] : [];
        locked = now.Locked;
        return faults;
    }
}
