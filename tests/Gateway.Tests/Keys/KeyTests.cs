using System.Text.Json;
using FsCheck.Xunit;
using Gateway.Onboarding.Keys;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Keys;

public sealed class KeyTests
{
    /// <summary>RFC 7748, section 6.1: Alice's and Bob's pairs.</summary>
    [Theory]
    [InlineData("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")]
    [InlineData("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")]
    public void Public_keys_are_those_of_RFC_7748(string privateKey, string publicKey)
    {
        using var key = new PrivateKey(Convert.FromHexString(privateKey));

        Assert.Equal(publicKey, Convert.ToHexStringLower(key.PublicKey().ToBytes()));
    }

    [Fact]
    public async Task Wg_derives_the_same_public_key()
    {
        using var key = PrivateKey.Generate(new Entropy());

        Assert.Equal(await NetworkNamespace.OutputAsync("wg", ["pubkey"], key.Reveal()), $"{key.PublicKey()}\n");
    }

    [Fact]
    public async Task A_key_of_wg_is_read_and_answered_alike()
    {
        var text = (await NetworkNamespace.OutputAsync("wg", ["genkey"])).TrimEnd('\n');
        using var key = PrivateKey.TryParse(text);

        Assert.Equal(text, key!.Reveal());
        Assert.Equal(await NetworkNamespace.OutputAsync("wg", ["pubkey"], text), $"{key.PublicKey()}\n");
    }

    [Property]
    public bool Generated_private_keys_are_clamped(byte first, byte last)
    {
        using var key = PrivateKey.Generate(new FixedEntropy(first, last));

        // RFC 7748, section 5: the lowest three bits and the highest are clear, the second highest is set.
        return (key.Bytes[0] & 7) == 0 && (key.Bytes[31] & 192) == 64
            && (key.Bytes[0] & 248) == (first & 248) && (key.Bytes[31] & 63) == (last & 63);
    }

    [Fact]
    public void Keys_differ()
    {
        using var one = PrivateKey.Generate(new Entropy());
        using var two = PrivateKey.Generate(new Entropy());
        using var three = PresharedKey.Generate(new Entropy());

        Assert.False(one.Matches(two));
        Assert.False(one.Matches(three));
        Assert.True(one.Matches(new PrivateKey(one.Bytes)));
    }

    [Theory]
    [InlineData("hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=", true)]
    [InlineData("hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmp=", false)] // spare bits set
    [InlineData("hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo", false)]
    [InlineData(" hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTm=", false)]
    [InlineData("hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo=", false)] // the URL alphabet
    [InlineData("hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTg==", false)]
    [InlineData("8520f0098930a754748b7ddcb43ef75a0dbf3a0d2638", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void One_public_key_has_one_spelling(string? text, bool valid)
    {
        Assert.Equal(valid, PublicKey.TryParse(text, provider: null, out var key));
        Assert.Equal(valid ? text : default(PublicKey).ToString(), key.ToString());
    }

    [Property]
    public bool A_public_key_reads_what_it_prints(byte first, byte last)
    {
        var bytes = new FixedEntropy(first, last).Bytes(32);
        var key = PublicKey.FromBytes(bytes);

        return PublicKey.Parse(key.ToString(), provider: null) == key && key.ToBytes().SequenceEqual(bytes) && key.ToString().StartsWith(key.Prefix, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(31)]
    [InlineData(33)]
    public void A_key_has_32_bytes(int length)
    {
        Assert.Throws<ArgumentException>(() => PublicKey.FromBytes(new byte[length]));
        Assert.Throws<ArgumentException>(() => new PrivateKey(new byte[length]));
        Assert.Null(PresharedKey.TryParse(Convert.ToBase64String(new byte[length])));
    }

    public static TheoryData<Type> SecretTypes => [.. typeof(SecretKey).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(SecretKey)))];

    [Theory]
    [MemberData(nameof(SecretTypes))]
    public void A_secret_shows_itself_only_through_Reveal(Type type)
    {
        var bytes = new Entropy().Bytes(SecretKey.Length);
        using var secret = Make(type, bytes);
        var (base64, hex) = (Convert.ToBase64String(bytes), Convert.ToHexStringLower(bytes));

        Assert.Equal(base64, secret.Reveal());
        foreach (var shown in new[] { $"{secret}", $"{new Holder(secret)}", Json(secret) })
        {
            Assert.DoesNotContain(base64, shown, StringComparison.Ordinal);
            Assert.DoesNotContain(hex, shown, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [MemberData(nameof(SecretTypes))]
    public void A_disposed_secret_is_gone(Type type)
    {
        var secret = Make(type, new Entropy().Bytes(SecretKey.Length));
        secret.Dispose();

        Assert.Throws<ObjectDisposedException>(secret.Reveal);
        Assert.Throws<ObjectDisposedException>(() => secret.Bytes.Length);
    }

    [Fact]
    public void All_secret_types_are_walked() => Assert.Equal(4, SecretTypes.Count);

    /// <summary>By name, as a span cannot go through reflection; a new type of secret has to be added here.</summary>
    private static SecretKey Make(Type type, byte[] bytes) => type.Name switch
    {
        nameof(PrivateKey) => new PrivateKey(bytes),
        nameof(PresharedKey) => new PresharedKey(bytes),
        nameof(HashKey) => new HashKey(bytes),
        nameof(MasterKey) => new MasterKey(bytes),
        _ => throw new InvalidOperationException($"A new kind of secret: {type.Name}"),
    };

    private static string Json(SecretKey secret)
    {
        try
        {
            return JsonSerializer.Serialize<object>(secret);
        }
        catch (Exception fault) when (fault is NotSupportedException or InvalidOperationException)
        {
            // It has no JSON form at all.
            return "";
        }
    }

    private sealed record Holder(SecretKey Secret);

    private sealed class FixedEntropy(byte first, byte last) : Entropy
    {
        public override void Fill(Span<byte> destination)
        {
            destination.Clear();
            destination[0] = first;
            destination[^1] = last;
        }
    }
}
