using Gateway.Onboarding.LoginGrants;
using Gateway.Proxy;

namespace Gateway.Login;

/// <summary>POST /logout and /logout/all (Client-Server API): done once it is written down.</summary>
internal sealed class LogoutEndpoint(Logouts logouts)
{
    private static readonly byte[] EmptyObject = "{}"u8.ToArray();

    public async Task AnswerAsync(HttpContext context, Passenger passenger)
    {
        var actor = GuardedEndpoint.ActorOf(context, passenger.Device, passenger.Session!);
        await (passenger.Passage == Passage.LogoutAll ? logouts.EndEverywhereAsync(actor) : logouts.EndAsync(actor));
        await MatrixAnswer.JsonAsync(context, StatusCodes.Status200OK, EmptyObject);
    }
}
