using Gateway.Onboarding.Store;

namespace Gateway.Onboarding.Audit;

/// <summary>
/// What a check of the log found. <see cref="Dropped"/>: what stands for the entries whose days are over.
/// <see cref="Gaps"/>: the marks of what was missing when the gateway started. <see cref="Fault"/> is the first thing wrong.
/// </summary>
public sealed record AuditCheck(int Entries, long First, long Last, AuditEntry? Dropped, IReadOnlyList<AuditEntry> Gaps, AuditFault? Fault);

/// <summary>The log's end as a signed line; see <see cref="AuditHead"/>.</summary>
public sealed record AuditHeadLine(long Number, DateTimeOffset At, string Line);

public sealed partial class AuditLog
{
    /// <summary>The history, oldest first, as far as it is whole; where it is not, its last line says so.</summary>
    public IReadOnlyList<AuditEntry> Read()
    {
        var (chain, fault) = ReadChecked();
        var entries = chain.Links.Select(link => link.Entry);
        if (chain.CutEntry is { } cut)
        {
            entries = entries.Prepend(cut);
        }

        return fault is null
            ? [.. entries]
            : [.. entries, new AuditEntry(fault.Number, _time.GetUtcNow(), "log damaged from here", null, null, null, $"{fault.What}: {fault.Detail}")];
    }

    /// <summary>
    /// Checks every entry, and that the file ends where this gateway stopped writing. With <paramref name="headLine"/> also
    /// that the log still contains what that line was signed for; gaps that are older than it were known then.
    /// </summary>
    public AuditCheck Verify(string? headLine)
    {
        var (chain, fault) = ReadChecked();
        var gaps = chain.Links.Where(link => link.IsGap).ToList();
        var known = AuditFrame.Magic.Length;
        if (headLine is not null && fault is null)
        {
            fault = CheckHead(chain, headLine, out known);
        }

        if (fault is null && gaps.Find(gap => gap.End > known) is { Entry: { } gap })
        {
            fault = new AuditFault(gap.Number + 1, "missing", FormattableString.Invariant($"{gap.Detail} (found at {gap.At:yyyy-MM-dd HH:mm}Z)"));
        }

        var entries = chain.Links.Where(link => !link.IsGap).ToList();
        return new AuditCheck(
            entries.Count,
            entries.Count == 0 ? 0 : entries[0].Frame.Number,
            chain.Last.Number,
            chain.CutEntry,
            [.. gaps.Select(link => link.Entry)],
            fault);
    }

    /// <summary>Signs the log's end, once it is on the disk. Throws <see cref="StoreException"/> where it is not, or is not whole.</summary>
    public AuditHeadLine Head()
    {
        if (ReadChecked().Fault is { } fault)
        {
            throw new StoreException($"the audit log is not whole: {fault.Detail}", "gateway audit --verify");
        }

        lock (_lock)
        {
            if (Sync() != _last.Number || !_open || _waiting.Count > 0)
            {
                throw new StoreException($"the audit log cannot be written: {_diskFault}", "look at the disk; nothing is lost, the entries wait");
            }

            var head = AuditHead.Sign(_keys, _last, _time.GetUtcNow());
            return new(head.Position.Number, head.At, head.ToString());
        }
    }

    /// <summary>The file as it lies there under its name, against what this process knows of it.</summary>
    private (AuditChain Chain, AuditFault? Fault) ReadChecked()
    {
        lock (_whole)
        {
            var (open, last, length) = Here();
            byte[] bytes;
            try
            {
                bytes = _file.Read();
            }
            catch (Exception e) when (IsDisk(e))
            {
                throw new StoreException($"the audit log cannot be read: {e.Message}", "look at the disk", e);
            }

            // What was written while it was read is looked at the next time.
            var chain = AuditChain.Read(bytes.AsMemory(0, open ? (int)Math.Min(length, bytes.Length) : bytes.Length), _keys);
            return (chain, chain.Fault ?? (open ? Ending(chain, last, bytes.Length > Here().Length) : null));
        }
    }

    private (bool Open, AuditPosition Last, long Length) Here()
    {
        lock (_lock)
        {
            return (_open, _last, _length);
        }
    }

    private static AuditFault? Ending(AuditChain chain, AuditPosition last, bool tooLong) =>
        chain.IsTorn || chain.Last.Number < last.Number
            ? new AuditFault(chain.Last.Number + 1, "cut", $"the log ends with entry {chain.Last.Number}, but the gateway has written {last.Number}")
        : !chain.Last.Is(last)
            ? new AuditFault(chain.Last.Number, "changed", "another log lies in the place of the one that the gateway writes")
        : tooLong
            ? new AuditFault(last.Number + 1, "changed", $"behind entry {last.Number} stands something that the gateway did not write")
        : null;

    /// <summary><paramref name="known"/>: the place in the file that the line was signed for.</summary>
    private AuditFault? CheckHead(AuditChain chain, string line, out int known)
    {
        known = AuditFrame.Magic.Length;
        if (AuditHead.TryParse(line) is not { } head)
        {
            return new AuditFault(0, "head", "the line is no head of an audit log: a letter is missing, or one too many");
        }

        var number = head.Position.Number;
        if (!head.IsSignedWith(_keys))
        {
            return new AuditFault(number, "head", "the line is not signed by this gateway: it is misspelt, or another gateway's");
        }

        var beginning = chain.Cut?.Dropped ?? new AuditPosition(0, _keys.Genesis);
        if (head.Position.Is(beginning))
        {
            return null;
        }

        if (chain.Links.LastOrDefault(link => link.Frame.Position.Is(head.Position)) is { End: > 0 } found)
        {
            known = found.End;
            return null;
        }

        return number > chain.Last.Number
                ? new AuditFault(chain.Last.Number + 1, "cut", $"the line was signed for entry {number}, but the log ends with {chain.Last.Number}")
            : number <= beginning.Number
                ? new AuditFault(number, "head", $"entries up to {beginning.Number} were dropped in time, so this line can no longer be compared: use a newer one")
            : new AuditFault(number, "changed", $"entry {number} or one before it is not what it was when the line was signed: the log was rewritten");
    }
}
