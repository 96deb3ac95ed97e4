using System.Net;
using System.Net.Sockets;

namespace Gateway.Onboarding.Devices;

/// <summary>
/// The tunnel addresses. The gateway has the first; a device gets the next that nobody had. An address that saw a
/// handshake is never given to another device: something may still believe in it.
/// </summary>
public sealed class AddressPool
{
    private readonly uint _first;

    public AddressPool(IPNetwork network)
    {
        if (network.BaseAddress.AddressFamily != AddressFamily.InterNetwork || network.PrefixLength is < 16 or > 30)
        {
            throw new ArgumentException("The tunnel's network is IPv4, from /16 to /30.", nameof(network));
        }

        Network = network;
        _first = ToNumber(network.BaseAddress) + 1;
        Size = (1 << (32 - network.PrefixLength)) - 2;
    }

    public IPNetwork Network { get; }

    /// <summary>How many addresses there are, the gateway's own (offset 0) included.</summary>
    public int Size { get; }

    public IPAddress Gateway => FromNumber(_first);

    /// <summary>Where an address stands in the pool; the gateway's own is 0. Negative for an address that is not of the pool.</summary>
    public int OffsetOf(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetwork && ToNumber(address) - (long)_first is >= 0 and var offset && offset < Size
            ? (int)offset
            : -1;

    /// <summary>An address that none of these devices has, or null where all are taken. Addresses above all others come first.</summary>
    public IPAddress? Next(params ReadOnlySpan<DeviceTable> taken)
    {
        var above = 1;
        foreach (var table in taken)
        {
            above = Math.Max(above, HighestOf(table) + 1);
        }

        return above < Size ? FromNumber(_first + (uint)above) : Gap(taken);
    }

    /// <summary>Looks at all only where some have an address of an earlier, higher network.</summary>
    private int HighestOf(DeviceTable table) => table.HighestAddress is not { } highest ? 0
        : OffsetOf(highest) is >= 0 and var offset ? offset
        : table.Values.Max(device => OffsetOf(device.TunnelAddress));

    private IPAddress? Gap(ReadOnlySpan<DeviceTable> taken)
    {
        HashSet<int> used = [];
        foreach (var table in taken)
        {
            used.UnionWith(table.Values.Select(device => OffsetOf(device.TunnelAddress)));
        }

        return Enumerable.Range(1, Size - 1).Where(offset => !used.Contains(offset)).Select(offset => FromNumber(_first + (uint)offset)).FirstOrDefault();
    }

    internal static uint ToNumber(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[4];
        return address.TryWriteBytes(bytes, out _) ? System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes) : 0;
    }

    private static IPAddress FromNumber(uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new IPAddress(bytes);
    }
}
