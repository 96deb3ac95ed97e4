using Gateway.Login;
using Gateway.Onboarding.Devices;
using Gateway.Onboarding.Keys;
using Gateway.Tests.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Login;

public sealed class SignInNumberTests
{
    private static readonly DeviceId Phone = DeviceId.Parse("d-aaaaaaaa", null);

    [Fact]
    public void A_number_does_not_come_back_on_its_device_although_all_others_are_taken()
    {
        var everyNumber = Enumerable.Range(10, 90).ToHashSet();
        for (var round = 0; round < 200; round++)
        {
            var numbers = new SignInNumbers(new Entropy(), new FakeTimeProvider(), TimeSpan.FromMinutes(10));
            var given = Enumerable.Range(0, 6).Select(_ => numbers.Next(Phone, everyNumber)).ToList();
            Assert.Distinct(given);
            Assert.All(given, number => Assert.InRange(number!.Value, 10, 99));
        }
    }

    [Fact]
    public void After_six_there_is_none_until_the_first_is_forgotten()
    {
        var time = new FakeTimeProvider();
        var numbers = new SignInNumbers(new Entropy(), time, TimeSpan.FromMinutes(10));
        for (var i = 0; i < 6; i++)
        {
            Assert.NotNull(numbers.Next(Phone, new HashSet<int>()));
        }

        Assert.Null(numbers.Next(Phone, new HashSet<int>()));
        time.Advance(TimeSpan.FromMinutes(10));
        Assert.NotNull(numbers.Next(Phone, new HashSet<int>()));
    }

    [Fact]
    public async Task A_second_tap_on_a_page_that_waits_already_is_not_one_too_many()
    {
        await using var gateway = await TestGateway.StartAsync();
        var signIns = gateway.Service<SignIns>();
        var opened = signIns.Open(Phone, new ClientApp("x", "X"), new SignInRequest.Sso("element://connect")).SignIn;

        Assert.All(Enumerable.Range(0, 8), _ => Assert.True(signIns.Ask(opened)));
        Assert.Single(signIns.Waiting());
    }
}
