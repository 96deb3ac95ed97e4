using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Members;

namespace Gateway.Proxy;

/// <summary>What the request path knows of a device: immutable, made anew with each change of the device.</summary>
internal sealed class DeviceEntry(Device device, Door door)
{
    public DeviceId Id { get; } = device.Id;

    public Localpart Member { get; } = device.Member;

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
