using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace Gateway.Tests.Histories;

/// <summary>
/// The model-based test: random histories of enrolments, logins, revocations, expiry, faults, deaths and restarts, checked
/// after each step against what was acknowledged. GATEWAY_HISTORIES=100000 plays more; a failure names its history,
/// cut as short as FsCheck could, and GATEWAY_HISTORY="…" plays that one again.
/// </summary>
public sealed class HistoryTests
{
    private static int Count => int.TryParse(Environment.GetEnvironmentVariable("GATEWAY_HISTORIES"), CultureInfo.InvariantCulture, out var count) ? count : 2000;

    [Fact]
    public void Whatever_happens_in_whatever_order_what_was_acknowledged_holds_and_everything_comes_to_its_end()
    {
        if (Environment.GetEnvironmentVariable("GATEWAY_HISTORY") is { Length: > 0 } one)
        {
            History.Play(Story.Parse(one));
            return;
        }

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(Count).WithQuietOnSuccess(true), Prop.ForAll(Story.Any(), History.Play));
    }
}
