using System.Runtime.CompilerServices;

namespace Gateway.Admin.Pages;

/// <summary>Members and their devices: the list, a device, a lost one, the lock, the history, the health.</summary>
internal static class MembersRoutes
{
    /// <summary>Where more members than these changed at once, the list is sent as a whole.</summary>
    private const int MostRows = 20;

    public static void MapMembers(this IEndpointRouteBuilder signedIn, IEndpointRouteBuilder fresh)
    {
        signedIn.MapGet("/", ShowAsync);
        signedIn.MapGet("/live/members", FollowAsync);
        signedIn.MapSignIns();
        signedIn.MapDevices(fresh);
        signedIn.MapMember(fresh);
        signedIn.MapHealth();
        signedIn.MapActivity();
    }

    private static Task ShowAsync(HttpContext context, string? q, ConsolePages pages, Roster roster, ChangeFeed feed)
    {
        // The version first: what changes meanwhile is sent again.
        var version = feed.Version;
        var (state, query) = (roster.State, Query(q));
        return pages.SendAsync<MembersPage>(context, view: new MembersPage.View
        {
            Live = $"/live/members?v={version}{(query.Length == 0 ? "" : $"&q={Uri.EscapeDataString(query)}")}",
            Query = query,
            Counts = roster.Counts(state),
            Now = roster.Now(state),
            Members = roster.Members(state, query, left: false),
            Left = roster.Members(state, query, left: true),
        });
    }

    private static async Task FollowAsync(HttpContext context, string? q, ConsolePages pages, Roster roster, LiveStream stream)
    {
        var (frame, query) = (pages.FrameOf(context), Query(q));
        var sent = new PartsSent();
        await foreach (var part in HeadAsync(pages, frame, roster))
        {
            sent.IsNew(part);
        }

        await stream.SendAsync(context, (changes, cancellationToken) => PartsAsync(changes, query, frame, pages, roster, sent, cancellationToken));
    }

    private static async IAsyncEnumerable<Patch> PartsAsync(
        Changes changes, string query, Layout.Frame frame, ConsolePages pages, Roster roster, PartsSent sent, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var part in HeadAsync(pages, frame, roster))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (sent.IsNew(part) || changes.All)
            {
                yield return part;
            }
        }

        var state = roster.State;
        if (changes.All || changes.Members.Count > MostRows)
        {
            var list = new Patch("members", await pages.RenderAsync<MemberRows>(frame, roster.Members(state, query, left: false)));
            if (sent.IsNew(list))
            {
                sent.Forget(id => id.StartsWith("m-", StringComparison.Ordinal));
                yield return list;
            }

            yield break;
        }

        foreach (var member in changes.Members)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var row = roster.Member(state, member, query);
            var patch = new Patch($"m-{member}", row is null ? null : await pages.RenderAsync<MemberRow>(frame, row), "members", row is null ? null : After(roster.Members(state, query, left: false), row));
            if (sent.IsNew(patch))
            {
                sent.Forget(id => id == "members");
                yield return patch;
            }
        }
    }

    private static async IAsyncEnumerable<Patch> HeadAsync(ConsolePages pages, Layout.Frame frame, Roster roster)
    {
        var state = roster.State;
        yield return new Patch("now", await pages.RenderAsync<NowBox>(frame, roster.Now(state)));
        yield return new Patch("counts", await pages.RenderAsync<CountsLine>(frame, roster.Counts(state)));
    }

    /// <summary>The row that a new one stands in front of.</summary>
    private static string? After(IReadOnlyList<MemberRow.View> rows, MemberRow.View row)
    {
        var next = rows.SkipWhile(one => one.Localpart != row.Localpart).Skip(1).FirstOrDefault();
        return next is null ? null : $"m-{next.Localpart}";
    }

    private static string Query(string? q) => q is null ? "" : q.Trim() is { Length: <= 100 } query ? query : q.Trim()[..100];
}

/// <summary>What a page was sent last, part by part: so that nothing is sent that it shows already.</summary>
internal sealed class PartsSent
{
    private readonly Dictionary<string, string?> _html = new(StringComparer.Ordinal);

    public bool IsNew(Patch patch)
    {
        if (_html.TryGetValue(patch.Id, out var last) && last == patch.Html)
        {
            return false;
        }

        _html[patch.Id] = patch.Html;
        return true;
    }

    /// <summary>What stands inside a part that was sent as a whole, or around one that was sent by itself, is no longer what it was.</summary>
    public void Forget(Func<string, bool> which)
    {
        foreach (var id in _html.Keys.Where(which).ToList())
        {
            _html.Remove(id);
        }
    }
}
