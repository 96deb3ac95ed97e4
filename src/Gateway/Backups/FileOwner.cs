using System.Buffers.Binary;
using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Gateway.Backups;

/// <summary>Whose a file is: by number here, and by name on another machine, where the same users have other numbers.</summary>
internal sealed record FileOwner(int UserId, int GroupId, string User, string Group)
{
    public static FileOwner Of(string path)
    {
        var status = Status(path);

        // statx(2): stx_uid and stx_gid.
        var (user, group) = (BinaryPrimitives.ReadInt32LittleEndian(status.AsSpan(20)), BinaryPrimitives.ReadInt32LittleEndian(status.AsSpan(24)));
        return new(user, group, NameOf("/etc/passwd", user), NameOf("/etc/group", group));
    }

    /// <summary>No folder, link, socket, pipe or device: stx_mode's S_IFREG (inode(7)).</summary>
    public static bool IsRegular(string path) => (BinaryPrimitives.ReadUInt16LittleEndian(Status(path).AsSpan(28)) & 0xF000) == 0x8000;

    /// <summary>The numbers that the names have here; null where one of them is unknown. An owner without a name keeps its number.</summary>
    public static (int User, int Group)? Here(string user, int userId, string group, int groupId) =>
        (user.Length == 0 ? userId : IdOf("/etc/passwd", user)) is { } userHere && (group.Length == 0 ? groupId : IdOf("/etc/group", group)) is { } groupHere
            ? (userHere, groupHere)
            : null;

    public static void Set(string path, int user, int group)
    {
        if (Native.lchown(Terminated(path), (uint)user, (uint)group) != 0)
        {
            throw new IOException($"{path} cannot be given to its owner: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }
    }

    private static byte[] Status(string path)
    {
        const int currentDirectory = -100;
        const int noFollow = 0x100;
        const uint typeAndOwner = 0x1 | 0x8 | 0x10;
        var status = new byte[256];
        if (Native.statx(currentDirectory, Terminated(path), noFollow, typeAndOwner, status) == 0)
        {
            return status;
        }

        const int noEntry = 2;
        return Marshal.GetLastPInvokeError() is var error && error == noEntry
            ? throw new FileNotFoundException($"{path} is not there", path)
            : throw new IOException($"{path} cannot be looked at: {new Win32Exception(error).Message}");
    }

    private static byte[] Terminated(string path) => Encoding.UTF8.GetBytes(path + '\0');

    // passwd(5) and group(5): name, password, number.
    private static string NameOf(string file, int id) =>
        Fields(file).FirstOrDefault(fields => fields[2] == id.ToString(CultureInfo.InvariantCulture))?[0] ?? "";

    private static int? IdOf(string file, string name) =>
        Fields(file).FirstOrDefault(fields => fields[0] == name) is { } found && int.TryParse(found[2], CultureInfo.InvariantCulture, out var id) ? id : null;

    private static IEnumerable<string[]> Fields(string file) => File.ReadLines(file).Select(line => line.Split(':')).Where(fields => fields.Length > 2);

    private static class Native
    {
        [DllImport("libc", ExactSpelling = true, SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int statx(int directory, byte[] path, int flags, uint mask, byte[] status);

        [DllImport("libc", ExactSpelling = true, SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int lchown(byte[] path, uint user, uint group);
    }
}
