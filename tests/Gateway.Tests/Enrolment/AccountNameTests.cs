using Gateway.Admin;
using Gateway.Tests.Testing;

namespace Gateway.Tests.Enrolment;

/// <summary>What others read beside a new member's messages, and by which they find them.</summary>
public sealed class AccountNameTests
{
    [Theory]
    [InlineData("Alice Martin", "Alice Martin")]
    [InlineData(null, "alice")]
    public async Task A_new_account_is_named_so_that_colleagues_find_it(string? displayName, string name)
    {
        await using var gateway = await TestGateway.StartAsync();

        await gateway.Admin.EnrolAsync(new EnrolmentRequest("alice", "phone", displayName, Os: null, Adopt: false), default);

        Assert.Equal(name, gateway.Homeserver.DisplayNames["alice"]);
    }

    [Fact]
    public async Task An_account_that_cannot_be_listed_is_an_account_all_the_same()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Homeserver.Interfere = async context =>
        {
            var isName = context.Request.Path.Value!.EndsWith("/displayname", StringComparison.Ordinal);
            if (isName)
            {
                await FakeHomeserver.ReplyAsync(context, 400, """{"errcode":"M_FORBIDDEN","error":"disabled"}""");
            }

            return isName;
        };

        using var alice = await gateway.SignInAsync(await gateway.EnrolAsync("alice"));

        Assert.Contains("alice", gateway.Homeserver.Accounts.Keys);
    }
}
