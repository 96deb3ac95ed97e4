using System.Security.Cryptography;

namespace Gateway.Backups;

/// <summary>
/// The first <paramref name="length"/> bytes of a file, digested while they are read: what is appended meanwhile does not belong
/// to it, and a file that gets shorter is a failure.
/// </summary>
internal sealed class MeasuredStream(FileStream file, long length) : Stream
{
    private readonly IncrementalHash _digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _position;

    public override bool CanRead => true;

    /// <summary>So it says: the archive's header asks for a length, and nobody seeks.</summary>
    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public string Sha256() => Convert.ToHexStringLower(_digest.GetCurrentHash());

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer) => Digested(buffer, file.Read(Bounded(buffer)));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await file.ReadAsync(buffer[..Bounded(buffer.Span).Length], cancellationToken);
        return Digested(buffer.Span, read);
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _digest.Dispose();
            file.Dispose();
        }

        base.Dispose(disposing);
    }

    private Span<byte> Bounded(Span<byte> buffer) => buffer[..(int)Math.Min(buffer.Length, length - _position)];

    private int Digested(Span<byte> buffer, int read)
    {
        if (read == 0 && _position < length && buffer.Length > 0)
        {
            throw new IOException($"{file.Name} got shorter while it was read");
        }

        _digest.AppendData(buffer[..read]);
        _position += read;
        return read;
    }
}
