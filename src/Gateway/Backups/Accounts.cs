using System.Formats.Tar;
using System.Text.RegularExpressions;

namespace Gateway.Backups;

/// <summary>The system users that files belong to. A machine that is new has none of them; the packages that come later take them as they are.</summary>
internal static partial class Accounts
{
    public static string UserNameOrEmpty(this TarEntry entry) => (entry as PosixTarEntry)?.UserName ?? "";

    public static string GroupNameOrEmpty(this TarEntry entry) => (entry as PosixTarEntry)?.GroupName ?? "";

    public static async Task<IReadOnlyList<string>> MakeMissingAsync(IEnumerable<TarEntry> entries, CancellationToken cancellationToken)
    {
        var made = new List<string>();
        foreach (var (user, group) in entries.Select(entry => (entry.UserNameOrEmpty(), entry.GroupNameOrEmpty())).Distinct())
        {
            if (!Name().IsMatch(user) || !Name().IsMatch(group))
            {
                throw new BackupException($"the backup has an owner that no Debian machine has: '{user}:{group}'", "is it yours? Nothing was changed");
            }

            if (FileOwner.Here("", 0, group, 0) is null)
            {
                await Child.RunAsync("groupadd", ["--system", group], cancellationToken);
                made.Add($"group {group}");
            }

            if (FileOwner.Here(user, 0, "", 0) is null)
            {
                string[] ownGroup = FileOwner.Here("", 0, user, 0) is null ? ["--user-group"] : ["--gid", user];
                await Child.RunAsync("useradd", ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin", .. ownGroup, user], cancellationToken);
                made.Add($"user {user}");
            }
        }

        return made;
    }

    /// <summary>As useradd(8) takes them, so that none is an option; or none at all.</summary>
    [GeneratedRegex(@"\A([a-z_][a-z0-9_-]{0,30})?\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Name();
}
