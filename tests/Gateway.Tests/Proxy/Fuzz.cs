using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Gateway.Onboarding.Keys;

namespace Gateway.Tests.Proxy;

/// <summary>Runs a property in batches until its time is over: one batch with an ordinary run of the tests.</summary>
internal static class Fuzz
{
    private const int Batch = 1000;
    private const int Size = 30;

    private static TimeSpan Time => double.TryParse(Environment.GetEnvironmentVariable("GATEWAY_FUZZ_MINUTES"), CultureInfo.InvariantCulture, out var minutes)
        ? TimeSpan.FromMinutes(minutes)
        : TimeSpan.Zero;

    /// <summary>How many cases were tried. The seed of a batch is that of the run and its number: a failure names it.</summary>
    public static int Repeat<T>(Gen<T> cases, Action<T> check)
    {
        var seed = ulong.TryParse(Environment.GetEnvironmentVariable("GATEWAY_FUZZ_SEED"), CultureInfo.InvariantCulture, out var given)
            ? given
            : BitConverter.ToUInt32(new Entropy().Bytes(4));
        var start = TimeProvider.System.GetTimestamp();
        var count = 0;
        do
        {
            var batch = seed + (ulong)(count / Batch);
            foreach (var one in cases.Sample(Batch, new Rnd(batch), Size))
            {
                try
                {
                    check(one);
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException($"{one}: after {count} cases; to repeat it: GATEWAY_FUZZ_SEED={batch}", e);
                }
            }

            count += Batch;
        }
        while (TimeProvider.System.GetElapsedTime(start) < Time);

        var told = $"{TestContext.Current.TestMethod?.MethodName}: {count} cases in {TimeProvider.System.GetElapsedTime(start)}, seed {seed}";
        TestContext.Current.TestOutputHelper?.WriteLine(told);
        TestContext.Current.SendDiagnosticMessage(told);
        return count;
    }
}
