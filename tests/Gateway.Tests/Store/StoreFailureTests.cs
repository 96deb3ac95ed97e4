using System.Globalization;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;
using Gateway.Onboarding.Store;
using LiteDB.Engine;

namespace Gateway.Tests.Store;

public sealed class StoreFailureTests
{
    /// <summary>The commit reached the disk, the checkpoint and the reopening failed: so memory is one intent behind the file.</summary>
    [Fact]
    public void After_a_failure_that_hid_a_commit_nothing_is_acknowledged_that_is_not_stored()
    {
        using var data = new FaultyStream();
        using var log = new MemoryStream();
        using var key = new MasterKey(new Entropy().Bytes(SecretKey.Length));
        EngineSettings Disk() => data.Failing
            ? throw new IOException("too many open files")
            : new EngineSettings { DataStream = data, LogStream = log, Collation = new LiteDB.Collation(CultureInfo.InvariantCulture.LCID, CompareOptions.Ordinal) };
        var at = new DateTimeOffset(2026, 11, 22, 9, 0, 0, TimeSpan.Zero);
        using var store = StoreFile.Open(Disk, new Sealer(key, new Entropy()));
        var writer = new StateWriter(store);
        writer.Write(new MemberAdded(Localpart.Parse("alice", null), null, Adopted: false) { At = at });
        data.Failing = true;
        Assert.Throws<StoreException>(() => writer.Write(new AccountMade(Localpart.Parse("alice", null)) { At = at }));
        data.Failing = false;

        var acknowledged = Record.Exception(() => writer.Write(new Locked("admin") { At = at })) is null;

        Assert.Equal(acknowledged, store.Load().LockedSince is not null);
        Assert.Equal(writer.Current.LockedSince, store.Load().LockedSince);
    }

    private sealed class FaultyStream : MemoryStream
    {
        public bool Failing { get; set; }

        public override void Write(byte[] buffer, int offset, int count)
        {
            if (Failing)
            {
                throw new IOException("no space left on device");
            }

            base.Write(buffer, offset, count);
        }
    }
}
