using Gateway.Listening;

namespace Gateway.Tests.Listening;

public sealed class OpenFilesTests
{
    [Theory]
    [InlineData("1024", 100)]
    [InlineData("20000", 9500)]
    [InlineData("524288", 10_000)]
    [InlineData("unlimited", 10_000)]
    public void Half_of_what_the_process_may_open_is_for_members(string hard, long connections) => Assert.Equal(
        connections,
        OpenFiles.Of($"Limit                     Soft Limit           Hard Limit           Units     \nMax processes             95000                95000                processes \nMax open files            1024                 {hard}                files     \n"));

    [Fact]
    public void This_machine_says_how_many() => Assert.InRange(OpenFiles.MostConnections, 100, 10_000);
}
