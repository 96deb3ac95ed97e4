using System.Globalization;
using System.Text;
using Gateway.Login;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;
using Gateway.Tunnel;

namespace Gateway.Admin.Pages;

/// <summary>What the list shows of everybody: one moment of the state, as the pages need it.</summary>
internal sealed class Roster(StateWriter writer, DeviceViews views, HandshakeWatch handshakes, SignIns signIns)
{
    public State State => writer.Current;

    /// <summary>Those that <paramref name="query"/> finds, by name; accents and capitals do not matter. Nobody, who plays in drills, is there only while a drill is.</summary>
    public IReadOnlyList<MemberRow.View> Members(State state, string query, bool left) =>
        [.. Find(state, query)
            .Where(one => one.Member.State == MemberState.Left == left && (one.Member.Localpart != Localpart.Drill || one.Devices.Any(IsShown)))
            .Select(one => Row(one.Member, one.Devices.Where(IsShown)))
            .OrderBy(row => Folded(row.Name), StringComparer.Ordinal).ThenBy(row => row.Localpart, StringComparer.Ordinal)];

    /// <summary>The row of one member; null where there is none, or <paramref name="query"/> does not find it, or the member left.</summary>
    public MemberRow.View? Member(State state, Localpart localpart, string query) =>
        state.Members.GetValueOrDefault(localpart) is { State: not MemberState.Left } member && state.DevicesOf(localpart).ToList() is var devices && Finds(query, member, devices)
            ? Row(member, devices.Where(IsShown))
            : null;

    public CountsLine.View Counts(State state) => new(
        state.Members.Values.Count(member => member.State != MemberState.Left && member.Localpart != Localpart.Drill),
        state.Devices.Values.Count(device => device.IsLive),
        state.Devices.Values.Count(device => device.IsLive && views.IsOnline(device)),
        state.Devices.Values.Count(device => device.State == DeviceState.Pending));

    public NowBox.View Now(State state) => new()
    {
        SignIns = [.. SignInsOf(state)],
        LockedSince = state.LockedSince,
        Unconfirmed = state.Devices.Values.Count(device => device is { IsLive: true, AwaitsConfirmation: true }),
        Copied = [.. state.Devices.Values
            .Where(device => device is { IsLive: true, KeyCopiedAt: not null })
            .OrderBy(device => device.KeyCopiedAt)
            .Select(device => new NowBox.Copy(device.Id.ToString(), Name(state, device.Member), device.Name))],
        ToDos = [.. state.Members.Values.Select(ToDo).OfType<ToDoItem.View>().OrderBy(one => one.Since)],
    };

    public static ToDoItem.View? ToDo(Member member) =>
        member is { State: not MemberState.Left, ResetDueSince: { } since } ? new(member.Localpart.ToString(), Name(member), since) : null;

    public DeviceLine.View Line(Device device, string owner) => new()
    {
        Id = device.Id.ToString(),
        Owner = owner,
        Name = device.Name,
        Is = KindOf(device),
        Apps = Apps(device),
        LastSeen = LastSeen(device),
        PendingUntil = device.EnrolmentEnds,
        CutAt = device.Revocation?.RequestedAt,
        KeyCopied = device is { IsLive: true, KeyCopiedAt: not null },
        Unconfirmed = device is { IsLive: true, AwaitsConfirmation: true },
        IsAdmin = device.IsAdmin,
    };

    public DateTimeOffset? LastSeen(Device device) => handshakes.LastHandshake(device.PublicKey) ?? device.FirstHandshake;

    public static string Name(Member member) => member.DisplayName ?? member.Localpart.ToString();

    public static string Name(State state, Localpart localpart) => state.Members.GetValueOrDefault(localpart) is { } member ? Name(member) : localpart.ToString();

    /// <summary>A member with all devices, also those that are over and done.</summary>
    public MemberRow.View Whole(State state, Member member) => Row(member, state.DevicesOf(member.Localpart));

    private MemberRow.View Row(Member member, IEnumerable<Device> devices)
    {
        var name = Name(member);
        return new()
        {
            Localpart = member.Localpart.ToString(),
            Name = name,
            HasLeft = member.State == MemberState.Left,
            Devices = [.. devices.OrderByDescending(device => device.IsLive).ThenBy(device => device.EnrolledAt).ThenBy(device => device.Id.ToString(), StringComparer.Ordinal).Select(device => Line(device, name))],
        };
    }

    /// <summary>What is over and done stands on the member's page, and not in the way.</summary>
    private static bool IsShown(Device device) => device.HasPeer || device.Revocation is { IsFinished: false };

    private DeviceLine.Kind KindOf(Device device) => device.State switch
    {
        DeviceState.Pending => DeviceLine.Kind.Pending,
        DeviceState.Connected or DeviceState.SignedIn => views.IsOnline(device) ? DeviceLine.Kind.Online : DeviceLine.Kind.Away,
        DeviceState.Quarantined => DeviceLine.Kind.Lost,
        _ => device.Revocation is { IsFinished: false } ? DeviceLine.Kind.Ending : DeviceLine.Kind.Gone,
    };

    private static string? Apps(Device device) =>
        device.IsLive && device.Sessions.Where(session => session.State == MatrixSessionState.Open).Select(session => session.Client ?? "?").Distinct(StringComparer.Ordinal).ToList() is { Count: > 0 } apps
            ? string.Join(", ", apps)
            : null;

    private IEnumerable<NowBox.Waiting> SignInsOf(State state) =>
        from one in signIns.Waiting()
        let device = state.Devices.GetValueOrDefault(one.Device)
        where device is { IsLive: true }
        select new NowBox.Waiting(device.Id.ToString(), Name(state, device.Member), device.Name, one.App.Name == ClientApps.Loopback ? null : one.App.Name, one.Number);

    private static IEnumerable<(Member Member, IReadOnlyList<Device> Devices)> Find(State state, string query)
    {
        var devices = state.Devices.Values.ToLookup(device => device.Member);
        return state.Members.Values
            .Select(member => (Member: member, Devices: (IReadOnlyList<Device>)[.. devices[member.Localpart]]))
            .Where(one => Finds(query, one.Member, one.Devices));
    }

    private static bool Finds(string query, Member member, IReadOnlyList<Device> devices)
    {
        if (query.Length == 0)
        {
            return true;
        }

        var words = Folded(query).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var text = Folded($"{member.DisplayName} {member.Localpart} {string.Join(' ', devices.Where(IsShown).Select(device => $"{device.Name} {device.Id} {Apps(device)}"))}");
        return words.All(word => text.Contains(word, StringComparison.Ordinal));
    }

    private static string Folded(string text) => string.Concat(text.Normalize(NormalizationForm.FormD)
        .Where(c => CharUnicodeInfo.GetUnicodeCategory(c) != UnicodeCategory.NonSpacingMark))
        .ToLowerInvariant();
}
