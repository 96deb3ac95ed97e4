using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Members;

namespace Gateway.Proxy;

/// <summary>
/// What the request path knows of a device: immutable, made anew with each change of the device. It only remembers, in
/// addition, whose token it was that came last.
/// </summary>
internal sealed class DeviceEntry(Device device, Door door)
{
    private volatile Proof? _proof;

    public DeviceId Id { get; } = device.Id;

    public Localpart Member { get; } = device.Member;

    /// <summary>The tunnel address as the homeserver is told it.</summary>
    public string Address { get; } = device.TunnelAddress.ToString();

    /// <summary>What it was enrolled for: <c>android</c>, <c>ios</c>, <c>desktop</c>, or null.</summary>
    public string? System { get; } = device.System;

    /// <summary>See <see cref="Device.IsAdmin"/>.</summary>
    public bool IsAdmin { get; } = device.IsAdmin;

    public Standing Standing { get; } = device.Standing;

    /// <summary>Shut without a word about erasing: the store was restored, and nobody has vouched for the device since.</summary>
    public bool AwaitsConfirmation { get; } = device.AwaitsConfirmation;

    /// <summary>See <see cref="Device.AdoptsUntil"/>.</summary>
    public DateTimeOffset? AdoptsUntil { get; } = device.AdoptsUntil;

    public Door Door { get; } = door;

    public SessionEntry[] Sessions { get; } =
        [.. device.Sessions.Where(session => !session.TokenHash.IsEmpty).Select(session => new SessionEntry(session))];

    /// <summary>The session whose token has this keyed hash, or null. A device has few.</summary>
    public SessionEntry? Find(ReadOnlySpan<byte> tokenHash)
    {
        foreach (var session in Sessions)
        {
            if (session.TokenHash.AsSpan().SequenceEqual(tokenHash))
            {
                return session;
            }
        }

        return null;
    }

    /// <summary>The session that <see cref="Remember"/> was told of for a header with these very characters, or null: a hash is saved.</summary>
    public SessionEntry? Recall(string authorization) =>
        _proof is { } proof && proof.Header.TryGetTarget(out var header)
        && (ReferenceEquals(header, authorization)
            || CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(header.AsSpan()), MemoryMarshal.AsBytes(authorization.AsSpan())))
            ? proof.Session
            : null;

    /// <summary>
    /// The header bears the token of this session. Held weakly, so that no token stays in memory longer than the connection that
    /// sent it; Kestrel gives the requests of a connection the same string.
    /// </summary>
    public void Remember(string authorization, SessionEntry session) => _proof = new Proof(new WeakReference<string>(authorization), session);

    private sealed record Proof(WeakReference<string> Header, SessionEntry Session);
}

/// <summary>A session of the device, as far as its token is judged by it.</summary>
internal sealed class SessionEntry(MatrixSession session)
{
    public string MatrixDeviceId { get; } = session.MatrixDeviceId;

    public byte[] TokenHash { get; } = [.. session.TokenHash];

    public bool IsOpen { get; } = session.State == MatrixSessionState.Open;

    public bool LoggedOut { get; } = session.LoggedOut;

    public bool WasUsed { get; } = session.FirstUsed is not null;

    public bool WasTold { get; } = session.EraseDelivered is not null;
}
