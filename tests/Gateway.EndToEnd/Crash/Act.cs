namespace Gateway.EndToEnd.Crash;

/// <summary>
/// Something that was asked for and not answered when the process was killed. It is there as a whole or not at all:
/// <paramref name="IsThere"/> tells which from what the next start shows (null: that cannot be seen), and <paramref name="Note"/> then writes it into
/// the ledger as if it had been answered, so that the strict comparison finds every half.
/// </summary>
internal sealed record Act(string What, Func<Snapshot, bool?> IsThere, Action<Snapshot> Note);
