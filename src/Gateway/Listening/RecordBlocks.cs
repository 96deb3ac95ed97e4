using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Gateway.Listening;

/// <summary>
/// Where connections take their buffers from: each holds a whole TLS record. Kestrel encrypts one buffer at a time, and its own
/// are a quarter of that: four times the records, system calls and wakings for a large file. The shared pool of arrays gives memory back when little is going on.
/// </summary>
internal sealed class RecordBlocks : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    /// <summary>The most that a record may carry: RFC 8446, 5.1.</summary>
    private const int LargestRecord = 1 << 14;

    public override int MaxBufferSize => Shared.MaxBufferSize;

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => Shared.Rent(Math.Max(minBufferSize, LargestRecord));

    protected override void Dispose(bool disposing)
    {
        // Nothing is its own.
    }
}
