using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Gateway.Listening;
using Gateway.Onboarding.Devices;

namespace Gateway.Admin.Access;

/// <summary>
/// A browser that the admin has signed in with. It lives in memory: after a restart the admin signs in again. Times are
/// those of the last request and of the last proof; the rest does not change.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A source without a timer holds nothing.")]
internal sealed class ConsoleSession
{
    /// <summary>Without a request for so long the session is over.</summary>
    public static readonly TimeSpan Idle = TimeSpan.FromMinutes(30);

    /// <summary>And for so long at most, whatever happens.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(12);

    /// <summary>A proof is fresh for so long: enough to read a page and to decide.</summary>
    public static readonly TimeSpan Fresh = TimeSpan.FromMinutes(5);

    private readonly CancellationTokenSource _over = new();
    private long _lastSeen;
    private long _provedAt;

    public required byte[] SecretHash { get; init; }

    /// <summary>Stands in every form of this session's pages.</summary>
    public required string FormToken { get; init; }

    /// <summary>The listener that it was opened on, and nowhere else.</summary>
    public required Plane Plane { get; init; }

    /// <summary>The marked device that it was opened from, on the tunnel.</summary>
    public required DeviceId? Device { get; init; }

    /// <summary>How the admin signed in, as the audit and the page say it: "passkey laptop".</summary>
    public required string By { get; init; }

    public required DateTimeOffset Since { get; init; }

    public required DateTimeOffset LastSeen
    {
        get => At(ref _lastSeen);
        set => Volatile.Write(ref _lastSeen, value.UtcTicks);
    }

    public required DateTimeOffset ProvedAt
    {
        get => At(ref _provedAt);
        set => Volatile.Write(ref _provedAt, value.UtcTicks);
    }

    /// <summary>The secret of an authenticator app that is being set up.</summary>
    public byte[]? NewCode { get; set; }

    public DateTimeOffset Ends => LastSeen + Idle < Since + Longest ? LastSeen + Idle : Since + Longest;

    /// <summary>Cancelled when the session ends: what streams to its pages ends with it.</summary>
    public CancellationToken Over => _over.Token;

    /// <summary>What listens is told on a thread of its own: the caller may hold a lock.</summary>
    public void End() => _ = _over.CancelAsync();

    public bool HasToken(string typed) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(FormToken), Encoding.UTF8.GetBytes(typed));

    public bool IsFresh(DateTimeOffset now) => now < ProvedAt + Fresh;

    private static DateTimeOffset At(ref long ticks) => new(Volatile.Read(ref ticks), TimeSpan.Zero);
}
