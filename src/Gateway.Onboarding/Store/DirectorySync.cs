using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace Gateway.Onboarding.Store;

/// <summary>fsync(2) on a directory: a rename, or a new name, is not on the disk before. Throws <see cref="IOException"/>.</summary>
public static class DirectorySync
{
    public static void Sync(string path)
    {
        const int readOnlyCloseOnExec = 0x80000;
        var directory = Native.open(Encoding.UTF8.GetBytes(path + '\0'), readOnlyCloseOnExec);
        var synced = directory >= 0 ? Native.fsync(directory) : -1;
        var error = Marshal.GetLastPInvokeError();
        if (directory >= 0)
        {
            _ = Native.close(directory);
        }

        if (synced != 0)
        {
            throw new IOException($"{path} cannot be synced: {new Win32Exception(error).Message}");
        }
    }

    private static class Native
    {
        [DllImport("libc", ExactSpelling = true, SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int open(byte[] path, int flags);

        [DllImport("libc", ExactSpelling = true, SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int fsync(int descriptor);

        [DllImport("libc", ExactSpelling = true, SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int close(int descriptor);
    }
}
