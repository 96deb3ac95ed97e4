using FsCheck.Xunit;
using Gateway.Onboarding.Audit;
using Gateway.Onboarding.Store;

namespace Gateway.Tests.Audit;

/// <summary>A line kept elsewhere shows what the machine's own keys can hide: a cut tail and a rewritten history.</summary>
public sealed class HeadTests : IDisposable
{
    private readonly Bench _bench = Bench.With(5);

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void A_log_contains_its_head_now_and_when_it_has_grown()
    {
        var head = _bench.Log.Head();
        Assert.Equal((5, Bench.Start.AddSeconds(5)), (head.Number, head.At));
        Assert.Null(_bench.Log.Verify(head.Line).Fault);

        _bench.Do(new Locked("admin") { At = _bench.Clock.GetUtcNow() });
        _bench.Restart();

        Assert.Null(_bench.Log.Verify(head.Line).Fault);
    }

    [Fact]
    public void An_empty_log_has_a_head_too()
    {
        using var empty = new Bench();
        var line = empty.Log.Head().Line;

        empty.Do(new Locked("admin") { At = Bench.Start });

        Assert.Null(empty.Log.Verify(line).Fault);
        Assert.NotNull(_bench.Log.Verify(line).Fault);
    }

    [Fact]
    public void Log_and_store_put_back_together_are_found_by_the_head()
    {
        var old = _bench.Bytes;
        _bench.Do(new Locked("mallory") { At = _bench.Clock.GetUtcNow() });
        var line = _bench.Log.Head().Line;
        _bench.PutStoreBack(5);
        _bench.Bytes = old;

        _bench.Restart();

        Assert.Null(_bench.Log.Verify(null).Fault);
        var fault = _bench.Log.Verify(line).Fault;
        Assert.Equal(("cut", 6L), (fault?.What, fault?.Number));
    }

    [Fact]
    public void A_history_rewritten_with_the_gateways_own_keys_is_found_by_the_head()
    {
        var line = _bench.Log.Head().Line;
        using var keys = _bench.Keys();
        var hash = keys.Genesis;
        List<byte[]> forged = [];
        foreach (var entry in _bench.Log.Read())
        {
            var kept = entry.Number == 2 ? entry with { Action = "nothing happened" } : entry;
            var frame = AuditFrame.Chain(hash, AuditFrameKind.Entry, kept.Number, keys.Seal(AuditFrameKind.Entry, kept));
            (hash, forged) = (frame.Hash.ToArray(), [.. forged, frame.ToBytes()]);
        }

        _bench.WriteFrames(forged);
        _bench.Restart();

        Assert.Null(_bench.Log.Verify(null).Fault);
        Assert.Equal("changed", _bench.Log.Verify(line).Fault?.What);
    }

    [Fact]
    public void Another_gateways_head_and_a_forged_one_prove_nothing()
    {
        using var other = Bench.With(5);
        var forged = AuditHead.TryParse(_bench.Log.Head().Line)! with { At = Bench.Start.AddYears(1) };

        Assert.Equal("head", _bench.Log.Verify(other.Log.Head().Line).Fault?.What);
        Assert.Equal("head", _bench.Log.Verify(forged.ToString()).Fault?.What);
        Assert.Equal("head", _bench.Log.Verify("A1.5.nonsense").Fault?.What);
    }

    [Fact]
    public void Every_single_misspelt_letter_is_noticed()
    {
        var line = _bench.Log.Head().Line;
        var from = line.LastIndexOf('.') + 1;
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] is not ('-' or '.'))
            {
                var wrong = line[i] switch { 'Q' => 'R', _ when i >= from => 'Q', '5' => '6', _ => '5' };
                Assert.Equal("head", _bench.Log.Verify($"{line[..i]}{wrong}{line[(i + 1)..]}").Fault?.What);
            }
        }
    }

    [Fact]
    public void A_line_as_people_copy_it_is_read()
    {
        var line = _bench.Log.Head().Line;
        var (front, letters) = (line[..(line.LastIndexOf('.') + 1)], line[(line.LastIndexOf('.') + 1)..]);
        var copied = front + letters.Replace('O', '0').Replace('I', '1').Replace('B', '8').ToLowerInvariant().Replace("-", " ", StringComparison.Ordinal).Insert(30, "\n  ");

        Assert.Null(_bench.Log.Verify(copied).Fault);
        Assert.All(letters.Split('-'), group => Assert.InRange(group.Length, 1, 5));
        Assert.InRange(line.Length, 1, 220);
    }

    [Property]
    public bool A_head_reads_what_it_prints(long number, uint seconds, byte[] noise)
    {
        var bytes = Enumerable.Range(0, 96).Select(i => (byte)(i + (noise is { Length: > 0 } ? noise[i % noise.Length] : 0))).ToArray();
        var head = new AuditHead(new AuditPosition(Math.Abs(number % long.MaxValue), bytes.AsMemory(0, 32)), DateTimeOffset.FromUnixTimeSeconds(seconds), bytes.AsMemory(32));

        return AuditHead.TryParse(head.ToString()) is { } read
            && read.Position.Is(head.Position) && read.At == head.At && read.Signature.Span.SequenceEqual(head.Signature.Span);
    }

    [Fact]
    public void A_gap_that_was_known_when_the_head_was_taken_is_no_news()
    {
        var old = _bench.Bytes;
        _bench.Do(new Locked("admin") { At = _bench.Clock.GetUtcNow() });
        _bench.ForgetIntents();
        _bench.Bytes = old;
        _bench.Restart();
        var line = _bench.Log.Head().Line;

        Assert.Equal("missing", _bench.Log.Verify(null).Fault?.What);
        var check = _bench.Log.Verify(line);
        Assert.Null(check.Fault);
        Assert.Single(check.Gaps);
    }
}
