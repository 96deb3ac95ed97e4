namespace Gateway.EndToEnd.Crash;

/// <summary>How a device was ended, as far as answers said.</summary>
internal enum Ending
{
    None = 0,
    Revoked,
    Cut,
}

/// <summary>A device that an answer, or a list after a restart, has shown.</summary>
internal sealed class DeviceEntry(DeviceSeen seen)
{
    public DeviceSeen Enrolled { get; } = seen;

    public string Id => Enrolled.Id;

    public Ending Ending { get; set; }

    /// <summary>What its QR said; null where the answer to its enrolment did not come.</summary>
    public string? Config { get; init; }

    /// <summary>The login code that must work, where one is known and was not used.</summary>
    public string? Code { get; set; }

    /// <summary>Codes that must not work: used, or replaced by a later one.</summary>
    public List<string> DeadCodes { get; } = [];

    /// <summary>Matrix sessions that an answer handed out, with their tokens.</summary>
    public Dictionary<string, string> Sessions { get; } = new(StringComparer.Ordinal);

    /// <summary>A login went unanswered: it may have opened one more.</summary>
    public bool MayHaveMore { get; set; }

    /// <summary>Steps of its revocation that an answer called done.</summary>
    public HashSet<string> Done { get; } = new(StringComparer.Ordinal);

    public int Armed { get; set; }

    public int MayBeArmed { get; set; }

    public void NoteRevocation(DeviceSeen shown, Ending ending)
    {
        Ending = ending > Ending ? ending : Ending;
        Done.UnionWith(shown.Steps.Where(step => step.Value == "done").Select(step => step.Key));
    }

    /// <summary>What is wrong with the device as it stands in the list now.</summary>
    public IEnumerable<string> Compare(DeviceSeen? now)
    {
        if (now is null)
        {
            return [$"{Id} ({Enrolled.Member}/{Enrolled.Name}) was acknowledged and is lost"];
        }

        var faults = new List<string>();
        if ((now.Member, now.Name, now.Address, now.PublicKey) != (Enrolled.Member, Enrolled.Name, Enrolled.Address, Enrolled.PublicKey))
        {
            faults.Add($"{Id} is another device than was acknowledged");
        }

        if (!Allows(now.State))
        {
            faults.Add($"{Id} ({Enrolled.Member}/{Enrolled.Name}) was acknowledged as {Ending} and is {now.State}");
        }

        faults.AddRange(Done.Where(step => now.Steps.GetValueOrDefault(step) != "done").Select(step => $"the step {step} of {Id} was acknowledged and is undone"));
        faults.AddRange(Sessions.Keys.Except(now.Sessions, StringComparer.Ordinal).Select(session => $"the session {session} of {Id} was acknowledged and is lost"));
        if (!MayHaveMore)
        {
            faults.AddRange(now.Sessions.Except(Sessions.Keys, StringComparer.Ordinal).Select(session => $"{Id} has a session {session} that nobody asked for"));
        }

        return faults;
    }

    /// <summary>A device that never signed in is cut without being told to.</summary>
    private bool Allows(string state) => Ending switch
    {
        Ending.None => state is "pending" or "connected" or "signed-in",
        Ending.Cut => state == "revoked",
        _ when Sessions.Count > 0 => state == "quarantined",
        _ when MayHaveMore => state is "quarantined" or "revoked",
        _ => state == "revoked",
    };
}

/// <summary>A member with the devices that were acknowledged.</summary>
internal sealed class MemberEntry(string name)
{
    public string Name { get; } = name;

    /// <summary>An enrolment was acknowledged, so there must be an account.</summary>
    public bool Known { get; set; }

    public bool Left { get; set; }

    public List<DeviceEntry> Devices { get; } = [];

    public IEnumerable<DeviceEntry> Live => Devices.Where(device => device.Ending == Ending.None);

    public IEnumerable<string> Compare(Snapshot now)
    {
        var state = now.Members.GetValueOrDefault(Name);
        var right = Left ? state is "leaving" or "left" : state == "active" || (!Known && state is null or "account-asked");
        var strangers = now.Devices.Where(device => device.Member == Name).Select(device => device.Id).Except(Devices.Select(device => device.Id), StringComparer.Ordinal);
        return
        [
            .. right ? Array.Empty<string>() : [$"{Name} was acknowledged as {(Left ? "gone" : "a member")} and is {state ?? "not there"}"],
            .. Devices.SelectMany(device => device.Compare(now.Find(device.Id))),
            .. strangers.Select(id => $"{Name} has a device {id} that nobody asked for"),
        ];
    }
}
