using System.Buffers.Binary;
using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace Gateway.Onboarding.Store;

/// <summary>
/// What statx(2) says of a file. <see cref="Born"/>: when its inode was made, in nanoseconds since 1970; 0 where the file system keeps no such time.
/// </summary>
public readonly record struct FileStatus(ulong Inode, long Born, int UserId, int GroupId, bool IsRegular)
{
    /// <summary>Of a link itself, unless it is to be followed. Throws <see cref="FileNotFoundException"/> where there is nothing, and <see cref="IOException"/>.</summary>
    public static FileStatus Of(string path, bool followLink = false)
    {
        const int currentDirectory = -100;
        const int noFollow = 0x100;
        const uint typeOwnerInodeAndBirth = 0x1 | 0x8 | 0x10 | 0x100 | 0x800;
        var status = new byte[256];
        if (Native.statx(currentDirectory, Encoding.UTF8.GetBytes(path + '\0'), followLink ? 0 : noFollow, typeOwnerInodeAndBirth, status) == 0)
        {
            return Read(status);
        }

        const int noEntry = 2;
        return Marshal.GetLastPInvokeError() is var error && error == noEntry
            ? throw new FileNotFoundException($"{path} is not there", path)
            : throw new IOException($"{path} cannot be looked at: {new Win32Exception(error).Message}");
    }

    /// <summary>struct statx: stx_uid at 20, stx_gid 24, stx_mode 28, stx_ino 32, stx_btime 80. S_IFREG is inode(7)'s.</summary>
    private static FileStatus Read(ReadOnlySpan<byte> status) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(status[32..]),
        (BinaryPrimitives.ReadInt64LittleEndian(status[80..]) * 1_000_000_000) + BinaryPrimitives.ReadUInt32LittleEndian(status[88..]),
        BinaryPrimitives.ReadInt32LittleEndian(status[20..]),
        BinaryPrimitives.ReadInt32LittleEndian(status[24..]),
        (BinaryPrimitives.ReadUInt16LittleEndian(status[28..]) & 0xF000) == 0x8000);

    private static class Native
    {
        [DllImport("libc", ExactSpelling = true, SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int statx(int directory, byte[] path, int flags, uint mask, byte[] status);
    }
}
