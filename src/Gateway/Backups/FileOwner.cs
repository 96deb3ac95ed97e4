using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Gateway.Onboarding.Store;

namespace Gateway.Backups;

/// <summary>Whose a file is: by number here, and by name on another machine, where the same users have other numbers.</summary>
internal sealed record FileOwner(int UserId, int GroupId, string User, string Group)
{
    public static FileOwner Of(string path)
    {
        var status = FileStatus.Of(path);
        return new(status.UserId, status.GroupId, NameOf("/etc/passwd", status.UserId), NameOf("/etc/group", status.GroupId));
    }

    /// <summary>The numbers that the names have here; null where one of them is unknown. An owner without a name keeps its number.</summary>
    public static (int User, int Group)? Here(string user, int userId, string group, int groupId) =>
        (user.Length == 0 ? userId : IdOf("/etc/passwd", user)) is { } userHere && (group.Length == 0 ? groupId : IdOf("/etc/group", group)) is { } groupHere
            ? (userHere, groupHere)
            : null;

    public static void Set(string path, int user, int group)
    {
        if (Native.lchown(Encoding.UTF8.GetBytes(path + '\0'), (uint)user, (uint)group) != 0)
        {
            throw new IOException($"{path} cannot be given to its owner: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }
    }

    // passwd(5) and group(5): name, password, number.
    private static string NameOf(string file, int id) =>
        Fields(file).FirstOrDefault(fields => fields[2] == id.ToString(CultureInfo.InvariantCulture))?[0] ?? "";

    private static int? IdOf(string file, string name) =>
        Fields(file).FirstOrDefault(fields => fields[0] == name) is { } found && int.TryParse(found[2], CultureInfo.InvariantCulture, out var id) ? id : null;

    private static IEnumerable<string[]> Fields(string file) => File.ReadLines(file).Select(line => line.Split(':')).Where(fields => fields.Length > 2);

    private static class Native
    {
        [DllImport("libc", ExactSpelling = true, SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int lchown(byte[] path, uint user, uint group);
    }
}
