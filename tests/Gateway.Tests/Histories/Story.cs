using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace Gateway.Tests.Histories;

/// <summary>A history as it is written down: a seed for all that chance decides, and what happens.</summary>
internal sealed record Story(int Seed, IReadOnlyList<Step> Steps)
{
    private static readonly Dictionary<Act, int> Weights = new()
    {
        [Act.Enrol] = 10,
        [Act.Connect] = 10,
        [Act.Login] = 12,
        [Act.LoginTwice] = 2,
        [Act.LoginHeld] = 5,
        [Act.Use] = 8,
        [Act.Poll] = 2,
        [Act.Logout] = 2,
        [Act.AllowLogin] = 4,
        [Act.Revoke] = 6,
        [Act.Cut] = 3,
        [Act.RevokeSeveral] = 2,
        [Act.MemberLeaves] = 1,
        [Act.Lock] = 1,
        [Act.Unlock] = 3,
        [Act.Wait] = 6,
        [Act.WaitLong] = 2,
        [Act.SetClock] = 2,
        [Act.Loops] = 12,
        [Act.HomeserverTurns] = 6,
        [Act.InterfaceTurns] = 4,
        [Act.InterfaceVanishes] = 1,
        [Act.StrangerAppears] = 1,
        [Act.DiskFills] = 1,
        [Act.DiskFails] = 2,
        [Act.Recover] = 5,
        [Act.Release] = 4,
        [Act.Snapshot] = 1,
        [Act.KeepCopy] = 2,
        [Act.PutBack] = 2,
        [Act.Restart] = 2,
        [Act.DieSoon] = 4,
        [Act.LosePowerSoon] = 2,
    };

    /// <summary>Most begin like this, so that there is something to go wrong.</summary>
    private static readonly Step[] Opening =
    [
        new(Act.Enrol, 0, 0), new(Act.Enrol, 1, 0), new(Act.Connect, 0, 1), new(Act.Login, 0, 0), new(Act.Use, 0, 0), new(Act.Connect, 1, 1), new(Act.Login, 1, 0), new(Act.Use, 1, 1),
    ];

    /// <summary>Random ones of 15 to 40 steps; shrunk by leaving out ever smaller parts.</summary>
    public static Arbitrary<Story> Any()
    {
        var act = Gen.Frequency(Weights.Select(weight => (weight.Value, Gen.Constant(weight.Key))).ToArray());
        var step = from one in act
                   from which in Gen.Choose(0, 11)
                   from how in Gen.Choose(0, 31)
                   select new Step(one, which, how);
        var story = from seed in Gen.Choose(0, int.MaxValue - 1)
                    from opening in Gen.Elements(0, 2, 5, 5, 8, 8, 8, 8)
                    from length in Gen.Choose(12, 36)
                    from steps in step.ArrayOf(length)
                    select new Story(seed, [.. Opening[..opening], .. steps]);
        return Arb.From(story, Shorter);
    }

    /// <summary>What <see cref="ToString"/> wrote.</summary>
    public static Story Parse(string text)
    {
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return new(int.Parse(parts[0], CultureInfo.InvariantCulture), [.. parts[1..].Select(Step.Parse)]);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Seed} {string.Join(' ', Steps)}");

    private static IEnumerable<Story> Shorter(Story story)
    {
        for (var length = story.Steps.Count / 2; length > 0; length /= 2)
        {
            for (var start = 0; start + length <= story.Steps.Count; start += length)
            {
                yield return story with { Steps = [.. story.Steps.Take(start), .. story.Steps.Skip(start + length)] };
            }
        }
    }
}
