using System.Security.Cryptography;

namespace Gateway.Onboarding.Keys;

/// <summary>The source of all randomness, so that a test can replace it. The default is the operating system's.</summary>
public class Entropy
{
    /// <summary>Fills <paramref name="destination"/> with unpredictable bytes.</summary>
    public virtual void Fill(Span<byte> destination)
    {
#pragma warning disable RS0030 // The one place that may ask the operating system.
        RandomNumberGenerator.Fill(destination);
#pragma warning restore RS0030
    }

    /// <summary>A fresh array of <paramref name="count"/> unpredictable bytes.</summary>
    public byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        Fill(bytes);
        return bytes;
    }

    /// <summary>A number from 0 to <paramref name="bound"/> − 1, each equally likely. At most 256 values.</summary>
    public int Below(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bound, 256);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        Span<byte> one = stackalloc byte[1];
        var limit = 256 - (256 % bound);
        do
        {
            Fill(one);
        }
        while (one[0] >= limit);
        return one[0] % bound;
    }

    /// <summary>A word of <paramref name="length"/> characters, each drawn evenly from <paramref name="alphabet"/>.</summary>
    public string Word(string alphabet, int length) =>
        string.Create(length, (this, alphabet), static (word, source) =>
        {
            foreach (ref var letter in word)
            {
                letter = source.alphabet[source.Item1.Below(source.alphabet.Length)];
            }
        });
}
