using System.Buffers.Binary;
using System.Text;

namespace Gateway.Tests.Proxy;

/// <summary>As much of HTTP/2 (RFC 9113) as it takes to send header fields that no client library would.</summary>
internal sealed class RawHttp2(Stream stream)
{
    private const byte Data = 0, Headers = 1, RstStream = 3, Settings = 4, GoAway = 7;
    private const byte EndStream = 1, EndHeaders = 4, Ack = 1;

    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    /// <summary>"answered" with the first byte of the header block, "reset", "goaway" or "closed".</summary>
    public async Task<string> RequestAsync(IEnumerable<(string Name, string Value)> fields)
    {
        try
        {
            await stream.WriteAsync(Preface);
            await WriteAsync(Settings, 0, 0, []);
            await WriteAsync(Headers, EndStream | EndHeaders, 1, Block(fields));
            var answer = "closed";
            while (await ReadAsync() is var (type, flags, payload))
            {
                switch (type)
                {
                    case Settings when (flags & Ack) == 0:
                        await WriteAsync(Settings, Ack, 0, []);
                        break;
                    case Headers:
                        // The first field is :status; one byte where it is in the static table (RFC 7541, appendix A: 8 is 200).
                        answer = payload[0] == 0x88 ? "200" : "answered";
                        break;
                    case RstStream:
                        return answer == "closed" ? "reset" : answer;
                    case GoAway:
                        return answer == "closed" ? "goaway" : answer;
                }

                if (type is Headers or Data && (flags & EndStream) != 0)
                {
                    return answer;
                }
            }

            return answer;
        }
        catch (IOException)
        {
            return "closed";
        }
    }

    /// <summary>Any number of streams opened and reset at once (CVE-2023-44487).</summary>
    public async Task ResetRapidlyAsync(IReadOnlyList<(string Name, string Value)> fields, int count)
    {
        await stream.WriteAsync(Preface);
        await WriteAsync(Settings, 0, 0, []);
        for (var id = 1; id < 2 * count; id += 2)
        {
            await WriteAsync(Headers, EndStream | EndHeaders, id, Block(fields));
            await WriteAsync(RstStream, 0, id, [0, 0, 0, 8]);
        }
    }

    /// <summary>Each field as a literal that is never indexed, with a new name (RFC 7541, section 6.2.3).</summary>
    private static byte[] Block(IEnumerable<(string Name, string Value)> fields)
    {
        using var block = new MemoryStream();
        foreach (var (name, value) in fields)
        {
            block.WriteByte(0x10);
            Text(name);
            Text(value);
        }

        return block.ToArray();

        void Text(string text)
        {
            var bytes = Encoding.Latin1.GetBytes(text);
            var length = bytes.Length;
            if (length < 127)
            {
                block.WriteByte((byte)length);
            }
            else
            {
                block.WriteByte(127);
                for (length -= 127; length >= 128; length /= 128)
                {
                    block.WriteByte((byte)((length % 128) + 128));
                }

                block.WriteByte((byte)length);
            }

            block.Write(bytes);
        }
    }

    private async Task WriteAsync(byte type, byte flags, int streamId, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        frame[0] = (byte)(payload.Length >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), (ushort)payload.Length);
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), streamId);
        payload.CopyTo(frame, 9);
        await stream.WriteAsync(frame);
    }

    private async Task<(byte Type, byte Flags, byte[] Payload)?> ReadAsync()
    {
        var head = new byte[9];
        if (await stream.ReadAtLeastAsync(head, 9, throwOnEndOfStream: false) < 9)
        {
            return null;
        }

        var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
        await stream.ReadExactlyAsync(payload);
        return (head[3], head[4], payload);
    }
}
