using System.Net;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Onboarding.Members;

namespace Gateway.Tests.Devices;

public sealed class DeviceTableTests
{
    private static readonly AddressPool Pool = new(IPNetwork.Parse("198.19.0.0/28"));

    [Fact]
    public void A_device_is_found_by_its_member_and_its_key_until_it_is_removed()
    {
        var (phone, laptop, other) = (Some("alice", 2), Some("alice", 3), Some("bob", 4));
        var table = DeviceTable.Empty.Set(phone).Set(laptop).Set(other).Set(phone with { Name = "renamed" });

        Assert.Equal(["renamed", "phone"], table.Of(phone.Member).Select(device => device.Name));
        Assert.Equal(laptop.Id, table.Find(laptop.PublicKey)?.Id);
        Assert.Equal(3, table.Count);

        table = table.Remove(laptop.Id).Remove(other.Id);

        Assert.Single(table.Of(phone.Member));
        Assert.Empty(table.Of(other.Member));
        Assert.Null(table.Find(laptop.PublicKey));
        Assert.Equal(phone.TunnelAddress, table.HighestAddress);
    }

    [Fact]
    public void Made_at_once_it_is_the_same()
    {
        Device[] devices = [Some("alice", 2), Some("bob", 3), Some("alice", 9)];
        var (one, other) = (DeviceTable.Of(devices), devices.Aggregate(DeviceTable.Empty, (table, device) => table.Set(device)));

        Assert.Equal(other.HighestAddress, one.HighestAddress);
        Assert.All(devices, device => Assert.Equal(other.Of(device.Member), one.Of(device.Member)));
        Assert.All(devices, device => Assert.Same(device, one.Find(device.PublicKey)));
        Assert.Equal(other.Keys.ToHashSet(), [.. one.Keys]);
    }

    [Fact]
    public void The_next_address_is_above_all_others_until_only_gaps_are_left()
    {
        var table = DeviceTable.Empty;
        Assert.Equal("198.19.0.2", Pool.Next(table)?.ToString());

        table = table.Set(Some("alice", 13));
        Assert.Equal("198.19.0.14", Pool.Next(table)?.ToString());
        Assert.Equal("198.19.0.2", Pool.Next(table, DeviceTable.Of([Some("bob", 14)]))?.ToString());

        table = DeviceTable.Of(Enumerable.Range(2, 13).Select(last => Some("alice", (byte)last)));
        Assert.Null(Pool.Next(table));
    }

    [Fact]
    public void An_address_of_an_earlier_network_takes_none_of_this_one()
    {
        var table = DeviceTable.Empty.Set(Some("alice", 5)).Set(Some("bob", 1) with { TunnelAddress = IPAddress.Parse("203.0.113.7") });

        Assert.Equal("198.19.0.6", Pool.Next(table)?.ToString());
    }

    private static Device Some(string member, byte last)
    {
        using var key = PrivateKey.Generate(new Entropy());
        return new Device
        {
            Id = DeviceId.Generate(new Entropy()),
            Member = Localpart.Parse(member, null),
            Name = "phone",
            TunnelAddress = new IPAddress([198, 19, 0, last]),
            PublicKey = key.PublicKey(),
            PresharedKey = PresharedKey.Generate(new Entropy()),
            Standing = Standing.Admitted,
            EnrolledAt = default,
            EnrolmentEnds = default,
            FirstHandshake = null,
            Grant = null,
            Sessions = [],
            Revocation = null,
        };
    }
}
