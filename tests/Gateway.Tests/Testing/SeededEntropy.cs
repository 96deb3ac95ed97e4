using System.Buffers.Binary;
using Gateway.Onboarding.Keys;

namespace Gateway.Tests.Testing;

/// <summary>Randomness that a seed repeats (SplitMix64). Not for two threads at once.</summary>
internal sealed class SeededEntropy(ulong seed) : Entropy
{
    private ulong _state = seed;

    public override void Fill(Span<byte> destination)
    {
        Span<byte> word = stackalloc byte[8];
        while (!destination.IsEmpty)
        {
            _state += 0x9E3779B97F4A7C15;
            var mixed = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
            BinaryPrimitives.WriteUInt64LittleEndian(word, mixed ^ (mixed >> 31));
            var taken = Math.Min(8, destination.Length);
            word[..taken].CopyTo(destination);
            destination = destination[taken..];
        }
    }
}
