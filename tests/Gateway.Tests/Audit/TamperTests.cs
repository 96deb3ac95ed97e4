using FsCheck.Xunit;
using Gateway.Onboarding.Audit;
using Gateway.Onboarding.Store;

namespace Gateway.Tests.Audit;

/// <summary>Whatever somebody does to the file who does not have its keys is found, and where it begins.</summary>
public sealed class TamperTests : IDisposable
{
    private readonly Bench _bench = Bench.With(5);
    private readonly List<byte[]> _frames;

    public TamperTests() => _frames = _bench.Frames();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void An_untouched_log_is_whole()
    {
        var check = _bench.Log.Verify(null);

        Assert.Null(check.Fault);
        Assert.Equal((5, 1L, 5L), (check.Entries, check.First, check.Last));
        Assert.Empty(check.Gaps);
    }

    [Fact]
    public void Every_bit_of_every_byte_is_guarded_and_the_entry_is_named()
    {
        var good = _bench.Bytes;
        var ends = _bench.Frames().Select(frame => frame.Length).Aggregate(new List<int> { AuditFrame.Magic.Length }, (list, length) => [.. list, list[^1] + length]);
        for (var i = 0; i < good.Length; i++)
        {
            foreach (var mask in new byte[] { 0x01, 0x80, 0xFF })
            {
                var bad = (byte[])good.Clone();
                bad[i] ^= mask;
                _bench.Bytes = bad;

                var fault = _bench.Log.Verify(null).Fault;

                Assert.NotNull(fault);
                Assert.Equal(Math.Max(1, ends.FindIndex(end => i < end)), fault.Number);
            }
        }
    }

    [Theory]
    [InlineData(1, "missing", 1)]
    [InlineData(3, "missing", 3)]
    [InlineData(5, "cut", 5)]
    public void A_removed_entry_is_found(int removed, string what, int number)
    {
        var frames = _bench.Frames();
        frames.RemoveAt(removed - 1);
        _bench.WriteFrames(frames);

        Found(what, number);
    }

    [Theory]
    [InlineData(1, 2, "reordered", 1)]
    [InlineData(2, 4, "reordered", 2)]
    [InlineData(4, 5, "reordered", 4)]
    public void Entries_that_changed_places_are_found(int one, int other, string what, int number)
    {
        var frames = _bench.Frames();
        (frames[one - 1], frames[other - 1]) = (frames[other - 1], frames[one - 1]);
        _bench.WriteFrames(frames);

        Found(what, number);
    }

    [Theory]
    [InlineData(2, "reordered", 3)]
    [InlineData(5, "changed", 6)]
    public void A_repeated_entry_is_found(int repeated, string what, int number)
    {
        var frames = _bench.Frames();
        frames.Insert(repeated, frames[repeated - 1]);
        _bench.WriteFrames(frames);

        Found(what, number);
    }

    [Fact]
    public void A_tail_cut_at_any_byte_is_found()
    {
        var good = _bench.Bytes;
        for (var length = 0; length < good.Length; length++)
        {
            _bench.Bytes = good[..length];

            Assert.Equal("cut", _bench.Log.Verify(null).Fault?.What);
        }
    }

    [Fact]
    public void Another_gateways_entry_is_no_entry_here()
    {
        using var other = Bench.With(5);
        var frames = _bench.Frames();
        frames[2] = other.Frames()[2];
        _bench.WriteFrames(frames);

        Found("changed", 3);
    }

    [Fact]
    public void Another_gateways_whole_log_is_no_log_here()
    {
        using var other = Bench.With(5);
        _bench.Bytes = other.Bytes;

        Found("changed", 1);
    }

    [Fact]
    public void An_old_file_in_the_place_of_the_new_one_is_found()
    {
        var old = _bench.Bytes;
        _bench.Do(new Locked("admin") { At = _bench.Clock.GetUtcNow() });
        File.Move(_bench.File, _bench.File + ".away");
        _bench.Bytes = old;

        Found("cut", 6);
    }

    [Fact]
    public void An_old_file_is_found_at_the_next_start_by_what_the_store_says()
    {
        var old = _bench.Bytes;
        _bench.Do(new Locked("mallory") { At = _bench.Clock.GetUtcNow() }, new Unlocked("mallory") { At = _bench.Clock.GetUtcNow() });
        _bench.ForgetIntents();
        _bench.Bytes = old;

        _bench.Restart();

        Found("missing", 8);
        Assert.Contains("entries 6 to 7 are missing", _bench.Log.Fault, StringComparison.Ordinal);
        Assert.Contains("6 to 7", _bench.Told.LatestRecord.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_that_is_gone_is_found_at_the_next_start()
    {
        _bench.ForgetIntents();
        _bench.Log.Dispose();
        File.Delete(_bench.File);

        _bench.Restart();

        Assert.Contains("entries 1 to 5 are missing", _bench.Log.Fault, StringComparison.Ordinal);
        Assert.Equal("missing", _bench.Log.Verify(null).Fault?.What);
    }

    [Fact]
    public void A_store_older_than_its_log_is_told_and_the_log_goes_on()
    {
        _bench.PutStoreBack(3);

        _bench.Restart();
        _bench.Do(new Locked("admin") { At = _bench.Clock.GetUtcNow() });

        Assert.Contains("put back to entry 3", _bench.Log.Fault, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3, 4, 5, 3, 4], _bench.Log.Read().Select(entry => (int)entry.Number));
    }

    [Fact]
    public void A_damaged_log_is_kept_aside_told_and_marked_and_the_audit_goes_on()
    {
        var bad = _bench.Bytes;
        bad[^200] ^= 1;
        _bench.Bytes = bad;

        _bench.Restart();
        _bench.Do(new Locked("admin") { At = _bench.Clock.GetUtcNow() });

        var aside = Assert.Single(Directory.GetFiles(_bench.Folder, "audit.log.damaged-*"));
        Assert.Equal(bad, File.ReadAllBytes(aside));
        Assert.Contains(Path.GetFileName(aside), _bench.Log.Fault, StringComparison.Ordinal);
        var check = _bench.Log.Verify(null);
        Assert.Contains("damaged", check.Fault?.Detail, StringComparison.Ordinal);
        Assert.Equal(6, check.Last);
        Assert.Equal([1, 2, 3, 4, 4, 5, 6], _bench.Log.Read().Select(entry => (int)entry.Number));
    }

    [Fact]
    public void A_reader_sees_what_is_whole_and_where_that_ends()
    {
        var bad = _bench.Bytes;
        bad[^10] ^= 1;
        _bench.Bytes = bad;

        var entries = _bench.Log.Read();

        Assert.Equal([1, 2, 3, 4, 5], entries.Select(entry => (int)entry.Number));
        Assert.Equal("log damaged from here", entries[^1].Action);
    }

    [Fact]
    public void The_file_shows_nobody_and_is_for_its_owner_alone()
    {
        var device = Bench.SomeDevice("alice-in-the-group", "her-phone");
        _bench.Do(new DeviceEnrolled(device, "the-admin") { At = _bench.Clock.GetUtcNow() });

        var text = System.Text.Encoding.Latin1.GetString(_bench.Bytes);

        foreach (var name in new[] { "alice-in-the-group", "her-phone", "the-admin", "enrolled", device.Id.ToString() })
        {
            Assert.DoesNotContain(name, text, StringComparison.Ordinal);
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_bench.File));
    }

    /// <summary>Any choice of the log's own frames, in any order and number, other than all of them in order.</summary>
    [Property(MaxTest = 300)]
    public bool No_other_sequence_of_its_own_frames_is_whole(byte[] picks)
    {
        var sequence = (picks ?? []).Select(pick => pick % _frames.Count).ToList();
        _bench.WriteFrames(sequence.Select(index => _frames[index]));

        return sequence.SequenceEqual([0, 1, 2, 3, 4]) == _bench.Log.Verify(null).Fault is null;
    }

    private void Found(string what, int number)
    {
        var fault = _bench.Log.Verify(null).Fault;
        Assert.NotNull(fault);
        Assert.Equal((what, number), (fault.What, (int)fault.Number));
    }
}
